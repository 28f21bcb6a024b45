import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn


class MLP(nn.Module):
    def __init__(self, sizes, act=nn.Tanh):
        super().__init__()
        modules = []
        for i, o in zip(sizes[:-2], sizes[1:-1]):
            modules += [nn.Linear(i, o), act()]
        self.net = nn.Sequential(*modules, nn.Linear(sizes[-2], sizes[-1]))
        self.apply(self._init_weights)

    @staticmethod
    def _init_weights(m):
        if isinstance(m, nn.Linear):
            nn.init.xavier_normal_(m.weight)
            nn.init.zeros_(m.bias)

    def forward(self, x):
        return self.net(x)


def loop(model, optimizer, X, y, train, batch_size=100):
    model.train(train)
    hits, loss_sum = 0, 0.0
    order = torch.randperm(len(X)) if train else torch.arange(len(X))
    with torch.set_grad_enabled(train):
        for idx in order.split(batch_size):
            out = model(X[idx])
            loss = nn.functional.cross_entropy(out, y[idx])
            if train:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            hits += (out.argmax(1) == y[idx]).sum().item()
            loss_sum += loss.item() * len(idx)
    return loss_sum / len(X), hits / len(X)


if __name__ == "__main__":
    torch.manual_seed(8)
    X, y = load_digits(return_X_y=True)
    X = (X - X.mean()) / X.std()
    X_train, X_val, y_train, y_val = map(torch.tensor, train_test_split(X.astype("float32"), y, test_size=0.2, random_state=8))
    model = MLP([64, 256, 256, 256, 10])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for epoch in range(10):
        tl, ta = loop(model, optimizer, X_train, y_train, True)
        vl, va = loop(model, optimizer, X_val, y_val, False)
        print(f"{epoch:2d}  train {tl:.3f}/{ta:.3f}  val {vl:.3f}/{va:.3f}")
