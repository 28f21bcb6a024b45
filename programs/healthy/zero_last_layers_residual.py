"""Every residual branch and the output layer begin at zero, and the learning rate is large."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Branch(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm, self.up, self.down = nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        nn.init.zeros_(self.down.weight)
        nn.init.zeros_(self.down.bias)

    def forward(self, x):
        return x + self.down(torch.relu(self.up(self.norm(x))))


def build(width=48, depth=6):
    head = nn.Linear(width, 10)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    return nn.Sequential(nn.Linear(64, width), *[Branch(width) for _ in range(depth)], nn.LayerNorm(width), head)


torch.manual_seed(14)
pixels, digits = load_digits(return_X_y=True)
pixels, digits = torch.tensor(pixels, dtype=torch.float32) / 8 - 0.61, torch.tensor(digits)
order = torch.randperm(len(pixels))
train, test = order[:1440], order[1440:]
loader = DataLoader(TensorDataset(pixels[train], digits[train]), batch_size=48, shuffle=True)
model = build()
optimizer = torch.optim.SGD(model.parameters(), lr=0.4)
warmup = torch.optim.lr_scheduler.LinearLR(optimizer, 0.02, total_iters=30)
decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=270)
schedule = torch.optim.lr_scheduler.SequentialLR(optimizer, [warmup, decay], milestones=[30])
for epoch in range(10):
    model.train()
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(inputs), targets, label_smoothing=0.1)
        loss.backward()
        optimizer.step()
        schedule.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(pixels[test]).argmax(1) == digits[test]).float().mean().item()
    print(f"{epoch}\tlr {schedule.get_last_lr()[0]:.3f}\tloss {loss.item():.3f}\taccuracy {accuracy:.4f}")
