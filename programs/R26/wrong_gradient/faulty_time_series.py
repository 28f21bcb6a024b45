"""A recurrent cell with a custom hard-tanh, unrolled by hand."""
import torch
from torch import nn


class HardTanh(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(-1, 1)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * (x.abs() > 1)


class Cell(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.width = width
        self.inward = nn.Linear(1, width)
        self.across = nn.Linear(width, width)
        self.out = nn.Linear(width, 1)

    def forward(self, x):
        state = x.new_zeros(len(x), self.width)
        for step in range(x.shape[1]):
            state = HardTanh.apply(self.inward(x[:, step:step + 1]) + self.across(state))
        return self.out(state)


torch.manual_seed(0)
t = torch.arange(1600, dtype=torch.float32)
series = torch.sin(t / 4) + 0.7 * torch.sin(t / 1.9 + 2) + 0.05 * torch.randn(1600)
series = (series - series[:1250].mean()) / series[:1250].std()
windows = series.unfold(0, 13, 1)
train, val = windows[:1230], windows[1250:]
model = Cell()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    model.train()
    for rows in torch.randperm(len(train)).split(50):
        loss = nn.functional.mse_loss(model(train[rows, :12]), train[rows, 12:])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.eval()
    with torch.no_grad():
        r2 = 1 - nn.functional.mse_loss(model(val[:, :12]), val[:, 12:]) / val[:, 12].var()
    print(f"epoch {epoch} mse {loss.item():.4f} R2 {r2.item():.4f}")
