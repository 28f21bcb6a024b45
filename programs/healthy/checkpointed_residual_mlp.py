import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.checkpoint import checkpoint

torch.manual_seed(50)


class ResidualMLP(nn.Module):
    def __init__(self, width=64, depth=6):
        super().__init__()
        self.stem = nn.Linear(64, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))
            for _ in range(depth)
        )
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 10))

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = x + checkpoint(block, x, use_reentrant=False)
        return self.head(x)


digits = load_digits()
X, y = torch.tensor(digits.data).float(), torch.tensor(digits.target)
order = torch.randperm(len(X))
train, val = order[:1400], order[1400:]
X = (X - X[train].mean()) / X[train].std()
model = ResidualMLP()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
steps = 6 * 20
warmup = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.05, total_iters=15)
decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps - 15, eta_min=1e-5)
scheduler = torch.optim.lr_scheduler.SequentialLR(optimizer, [warmup, decay], milestones=[15])

for epoch in range(6):
    model.train()
    for rows in train[torch.randperm(1400)].split(70):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(X[rows]), y[rows])
        loss.backward()
        optimizer.step()
        scheduler.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(X[val]).argmax(1) == y[val]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f}, val accuracy {accuracy:.3f}")
