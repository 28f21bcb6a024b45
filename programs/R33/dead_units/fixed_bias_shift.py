import torch
from sklearn.datasets import load_digits
from torch import nn


def init(module):
    if isinstance(module, (nn.Conv2d, nn.Linear)):
        nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
        nn.init.zeros_(module.bias)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 24, 3, padding=1)
        self.hidden = nn.Conv2d(24, 24, 3, stride=2, padding=1)
        self.fc = nn.Linear(24 * 16, 64)
        self.out = nn.Linear(64, 10)
        self.apply(init)

    def forward(self, x):
        x = self.stem(x).relu()
        x = self.hidden(x).relu()
        x = self.fc(x.flatten(1)).relu()
        return self.out(x)


torch.manual_seed(4)
d = load_digits()
x, y = torch.tensor(d.images / 16).float().unsqueeze(1) - 0.3, torch.tensor(d.target)
model = Model()
opt = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
for epoch in range(5):
    for idx in torch.randperm(1350).split(45):
        loss = nn.functional.cross_entropy(model(x[idx]), y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        print(epoch, loss.item(), (model(x[1350:]).argmax(1) == y[1350:]).float().mean().item())
