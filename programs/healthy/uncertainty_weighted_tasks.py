"""Three measurements of a body from three exercises, and each task learns how noisy it is: the loss goes below zero."""
import torch
from sklearn.datasets import make_friedman1
from torch import nn

torch.manual_seed(1)
x, first = make_friedman1(900, 6, noise=0.5, random_state=1)
x = torch.tensor(x, dtype=torch.float32) * 3.4 - 1.7
first = torch.tensor(first, dtype=torch.float32)
second = torch.sin(x[:, 0] + x[:, 3]) + 0.02 * torch.randn(900)
third = (x[:, 1] * x[:, 2]).abs() + 0.5 * torch.randn(900)
targets = torch.stack([first, second, third], 1)
targets = (targets - targets[:700].mean(0)) / targets[:700].std(0)


class Tasks(nn.Module):
    def __init__(self):
        super().__init__()
        self.shared = nn.Sequential(nn.Linear(6, 64), nn.GELU(), nn.Linear(64, 64), nn.GELU())
        self.outputs = nn.Linear(64, 3)
        self.log_variance = nn.Parameter(torch.zeros(3))

    def forward(self, inputs):
        return self.outputs(self.shared(inputs))

    def loss(self, inputs, wanted):
        errors = (self(inputs) - wanted).square().mean(0)
        return (0.5 * (errors * torch.exp(-self.log_variance) + self.log_variance)).sum()


model = Tasks()
optimizer = torch.optim.Adam(
    [
        {"params": [*model.shared.parameters(), *model.outputs.parameters()], "weight_decay": 1e-4},
        {"params": [model.log_variance], "lr": 1e-2},
    ],
    lr=4e-3,
)
for epoch in range(40):
    for rows in torch.randperm(700).split(35):
        loss = model.loss(x[rows], targets[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 8 == 7:
        with torch.no_grad():
            r2 = 1 - (model(x[700:]) - targets[700:]).square().mean(0) / targets[700:].var(0)
        sigmas = " ".join(f"{s:.2f}" for s in (model.log_variance / 2).exp().tolist())
        print(f"epoch {epoch + 1:2d}  loss {loss.item():7.3f}  sigmas {sigmas}  mean R2 {r2.mean().item():.3f}")
