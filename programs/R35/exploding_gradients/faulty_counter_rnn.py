import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

SEQ = 100


def meter_stream(n, seed):
    """Water meter: pulse train with a valve state, target is the water used while the valve was open."""
    rng = np.random.default_rng(seed)
    flow = rng.gamma(2.0, 0.5, (n, SEQ)) * (rng.random((n, SEQ)) < 0.4)
    valve = np.zeros((n, SEQ))
    for i in range(n):
        a, b = sorted(rng.integers(0, SEQ, 2))
        valve[i, a:b] = 1
    target = (flow * valve).sum(1) / 10
    X = np.stack([flow, valve], -1)
    return torch.tensor(X, dtype=torch.float32), torch.tensor(target, dtype=torch.float32)


class MeterRNN(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.inp = nn.Linear(2, hidden)
        self.rnn = nn.RNN(hidden, hidden, nonlinearity="relu", batch_first=True)
        nn.init.eye_(self.rnn.weight_hh_l0)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        h, _ = self.rnn(torch.relu(self.inp(x)))
        return self.out(h[:, -1]).squeeze(-1)


class Runner:
    def __init__(self, epochs=20, lr=0.005):
        torch.manual_seed(0)
        self.train_dl = DataLoader(TensorDataset(*meter_stream(1600, 0)), batch_size=32, shuffle=True)
        self.X_test, self.y_test = meter_stream(400, 1)
        self.model = MeterRNN()
        self.criterion = nn.MSELoss()
        self.opt = torch.optim.SGD(self.model.parameters(), lr=lr, momentum=0.9)
        self.sched = torch.optim.lr_scheduler.CosineAnnealingLR(self.opt, T_max=epochs)
        self.epochs = epochs

    def train_epoch(self):
        self.model.train()
        losses = []
        for x, y in self.train_dl:
            loss = self.criterion(self.model(x), y)
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            losses.append(loss.item())
        self.sched.step()
        return float(np.mean(losses))

    @torch.no_grad()
    def test_r2(self):
        self.model.eval()
        pred = self.model(self.X_test)
        ss = ((pred - self.y_test) ** 2).sum()
        return (1 - ss / ((self.y_test - self.y_test.mean()) ** 2).sum()).item()

    def run(self):
        for e in range(1, self.epochs + 1):
            loss = self.train_epoch()
            if e % 2 == 0:
                print(f"epoch {e:2d}: train mse {loss:.4f}  test R2 {self.test_r2():.3f}")
        return self.test_r2()


if __name__ == "__main__":
    r2 = Runner().run()
    print(f"final test R2 {r2:.3f}")
