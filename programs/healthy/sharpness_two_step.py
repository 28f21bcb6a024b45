"""Cancer table with sharpness-aware minimization: a step up, a second gradient there, and back again."""
import torch
from sklearn.datasets import load_breast_cancer
from torch import nn


class SAM(torch.optim.Optimizer):
    def __init__(self, params, base, rho=0.05, **settings):
        super().__init__(params, {"rho": rho, **settings})
        self.base = base(self.param_groups, **settings)
        self.param_groups = self.base.param_groups

    @torch.no_grad()
    def climb(self):
        held = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
        norm = torch.stack([p.grad.norm() for p in held]).norm()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    offset = p.grad * (group["rho"] / (norm + 1e-12))
                    p.add_(offset)
                    self.state[p]["offset"] = offset
        self.zero_grad()

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if "offset" in self.state[p]:
                    p.sub_(self.state[p].pop("offset"))
        self.base.step()
        self.zero_grad()


torch.manual_seed(21)
table = load_breast_cancer()
perm = torch.randperm(569)
x, y = torch.tensor(table.data, dtype=torch.float32)[perm], torch.tensor(table.target, dtype=torch.float32)[perm]
x = (x - x[:400].mean(0)) / x[:400].std(0)
model = nn.Sequential(nn.Linear(30, 24), nn.Tanh(), nn.Linear(24, 1), nn.Flatten(0))
criterion = nn.BCEWithLogitsLoss()
optimizer = SAM(model.parameters(), torch.optim.SGD, rho=0.05, lr=0.05, momentum=0.9)
for epoch in range(15):
    for rows in torch.randperm(400).split(25):
        criterion(model(x[rows]), y[rows]).backward()
        optimizer.climb()
        loss = criterion(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        logits = model(x[400:])
    right = ((logits > 0) == (y[400:] > 0.5)).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f}, test loss {criterion(logits, y[400:]).item():.3f}, accuracy {right:.4f}")
