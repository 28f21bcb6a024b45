# Leaky integrator by a plain recurrent network: 60 steps of backpropagation through time.
import torch
from torch import nn

torch.manual_seed(2)


def make(count):
    x = torch.randn(count, 60, 1)
    y = torch.zeros(count, 1)
    for step in range(60):
        y = 0.9 * y + 0.4 * x[:, step]
    return x, y


class Integrator(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.rnn = nn.RNN(1, width, nonlinearity="relu", batch_first=True)
        self.out = nn.Linear(width, 1)
        nn.init.orthogonal_(self.rnn.weight_hh_l0)

    def forward(self, x):
        states, _ = self.rnn(x)
        return self.out(states[:, -1])


x_train, y_train = make(1500)
x_val, y_val = make(400)
model = Integrator()
optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9)
for epoch in range(8):
    model.train()
    for rows in torch.randperm(1500).split(50):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x_train[rows]), y_train[rows])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        r2 = 1 - nn.functional.mse_loss(model(x_val), y_val) / y_val.var()
    print(f"epoch {epoch}: mse {loss.item():.4f}, validation R2 {r2.item():.3f}")
