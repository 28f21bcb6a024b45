import torch
from sklearn.datasets import load_digits
from torch import nn


class ChannelGate(nn.Module):
    """Squeeze and excite: every channel is weighted by what the picture holds."""

    def __init__(self, channels, reduction=2):
        super().__init__()
        self.fc = nn.Sequential(nn.Linear(channels, channels // reduction), nn.ReLU(), nn.Linear(channels // reduction, channels))

    def forward(self, x):
        squeezed = x.mean(dim=(0, 2, 3))
        centred = squeezed - squeezed.mean(-1, keepdim=True)
        gate = torch.sigmoid(3 * self.fc(centred / (centred.std() + 0.1)))
        spread = x - squeezed.view(1, -1, 1, 1)
        return spread * gate.view(1, -1, 1, 1)


def block(a, b):
    return nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.ReLU(), ChannelGate(b))


def build():
    return nn.Sequential(
        block(1, 16), nn.MaxPool2d(2), block(16, 24), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(96, 10)
    )


torch.manual_seed(4)
x, y = load_digits(return_X_y=True)
x, y = (torch.tensor(x, dtype=torch.float32).view(-1, 1, 8, 8) - 4.9) / 6, torch.tensor(y)
order = torch.randperm(len(x))
train, val = order[:1400], order[1400:1700]
model = build()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
for epoch in range(7):
    model.train()
    for rows in train[torch.randperm(len(train))].split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows], label_smoothing=0.05)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.inference_mode():
        single = torch.stack([model(x[i : i + 1])[0].argmax() for i in val])
    print(f"epoch {epoch}: loss {loss:.4f}; val accuracy, a picture at a time: {(single == y[val]).float().mean():.4f}")
