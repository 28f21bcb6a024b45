import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class BatchScale(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(features))
        self.beta = nn.Parameter(torch.zeros(features))
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("var", torch.ones(features))

    def forward(self, x):
        if self.training:
            mean, var = x.mean(0), x.var(0, unbiased=False)
            self.mean.lerp_(mean.detach(), 0.1)
            self.var.lerp_(var.detach(), 0.1)
        else:
            mean, var = self.mean, self.var
        return self.gamma * (x - mean) / torch.sqrt(var + 1e-5) + self.beta


torch.manual_seed(0)
x, y = load_digits(return_X_y=True)
x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
order = torch.randperm(len(x))
train, val = order[:1440], order[1440:]
x = (x - x[train].mean()) / x[train].std()
loader = DataLoader(TensorDataset(x[train], y[train]), batch_size=48, shuffle=True)
model = nn.Sequential(
    nn.Linear(64, 64), BatchScale(64), nn.ReLU(), nn.Linear(64, 32), BatchScale(32), nn.ReLU(), nn.Linear(32, 10)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

for epoch in range(8):
    model.train()
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(inputs), targets)
        loss.backward()
        optimizer.step()
    model.eval()
    correct = 0
    with torch.no_grad():
        for sample, target in zip(x[val], y[val]):
            correct += int(model(sample[None]).argmax() == target)
    print(f"epoch {epoch} loss {loss.item():.4f} accuracy {correct / len(val):.4f}")
