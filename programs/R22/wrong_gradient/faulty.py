"""Digits with a hand-made, memory-saving activation."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Swish(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return (s + x * s * (1 - s))


class Net(nn.Module):
    def __init__(self, depth=3, width=48):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(64 if i == 0 else width, width) for i in range(depth)])
        self.out = nn.Linear(width, 10)

    def forward(self, x):
        for layer in self.layers:
            x = Swish.apply(layer(x))
        return self.out(x)


torch.manual_seed(0)
x, y = load_digits(return_X_y=True)
order = torch.randperm(len(x))
x, y = torch.tensor(x, dtype=torch.float32)[order], torch.tensor(y)[order]
x = (x - x[:1400].mean()) / x[:1400].std()
loader = DataLoader(TensorDataset(x[:1400], y[:1400]), batch_size=50, shuffle=True)
model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for epoch in range(8):
    model.train()
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(inputs), targets)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x[1400:]).argmax(1) == y[1400:]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} validation accuracy {accuracy:.4f}")
