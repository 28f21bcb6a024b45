"""Heat demand of houses with a layer written by hand, forward and backward."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Affine(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias):
        ctx.save_for_backward(x, weight)
        return x @ weight.T + bias

    @staticmethod
    def backward(ctx, gradient):
        x, weight = ctx.saved_tensors
        return gradient @ weight, gradient.T @ x, gradient.sum(0)


class Dense(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) * (2 / inputs) ** 0.5)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x):
        return Affine.apply(x, self.weight, self.bias)


torch.manual_seed(35)
houses = torch.rand(1500, 6)
area, walls, roof, glass, height, orientation = houses.T
demand = 8 + 6 * walls * area + 4 * (glass - 0.4).clamp(min=0) - 3 * torch.sin(3 * roof) + 2 * (height - 0.5).abs()
demand = (demand + 0.2 * torch.randn(1500)).unsqueeze(1)
x, y = (houses - houses[:1100].mean(0)) / houses[:1100].std(0), (demand - 8) / demand[:1100].std()
loader = DataLoader(TensorDataset(x[:1100], y[:1100]), batch_size=50, shuffle=True)
model = nn.Sequential(Dense(6, 48), nn.ReLU(), Dense(48, 24), nn.ReLU(), Dense(24, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for epoch in range(20):
    for xb, yb in loader:
        loss = nn.functional.mse_loss(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        left = nn.functional.mse_loss(model(x[1100:]), y[1100:]) / y[1100:].var()
    print(f"epoch {epoch}: loss {loss.item():.3f} test R2 {1 - left.item():.4f}")
