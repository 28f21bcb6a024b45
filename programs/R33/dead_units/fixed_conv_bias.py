"""Two-headed network: which digit, and how much ink."""
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.digit = nn.Linear(128, 10)
        self.ink = nn.Linear(128, 1)
        nn.init.constant_(self.conv2.bias, 0.01)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2).flatten(1)
        return self.digit(x), self.ink(x).squeeze(1)


torch.manual_seed(0)
digits = load_digits()
order = torch.randperm(1797)
x = torch.tensor(digits.images, dtype=torch.float32)[order].unsqueeze(1)
label = torch.tensor(digits.target)[order]
ink = x.mean((1, 2, 3))
ink = (ink - ink[:1400].mean()) / ink[:1400].std()
x = (x - x[:1400].mean()) / x[:1400].std()
model = TwoHeads()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(8):
    model.train()
    for rows in torch.randperm(1400).split(50):
        logits, amount = model(x[rows])
        loss = F.cross_entropy(logits, label[rows]) + 0.5 * F.mse_loss(amount, ink[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        logits, amount = model(x[1400:])
    r2 = 1 - F.mse_loss(amount, ink[1400:]).item() / ink[1400:].var().item()
    accuracy = (logits.argmax(1) == label[1400:]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} ink R2 {r2:.3f} digit accuracy {accuracy:.4f}")
