import math

import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn


class FeatureAttention(nn.Module):
    """Each of the measurements is a token."""

    def __init__(self, features, width):
        super().__init__()
        self.value_scale = nn.Parameter(torch.randn(features, width) * 0.5)
        self.identity = nn.Parameter(torch.randn(features, width) * 0.5)
        self.qkv = nn.Linear(width, 3 * width)
        self.classifier = nn.Linear(features * width, 2)

    def forward(self, x):
        tokens = x.unsqueeze(-1) * self.value_scale + self.identity
        query, key, value = self.qkv(tokens).chunk(3, dim=-1)
        scores = query @ key.transpose(1, 2) / math.sqrt(query.shape[-1])
        mixed = torch.softmax(scores, dim=0) @ value
        return self.classifier((tokens + mixed).flatten(1))


torch.manual_seed(0)
data = load_breast_cancer()
x, x_val, y, y_val = train_test_split(data.data, data.target, test_size=0.25, stratify=data.target, random_state=2)
scaler = StandardScaler().fit(x)
x, x_val = (torch.tensor(scaler.transform(part), dtype=torch.float32) for part in (x, x_val))
y, y_val = torch.tensor(y), torch.tensor(y_val)

model = FeatureAttention(30, 8)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(161):
    model.train()
    rows = torch.randint(len(x), (48,))
    loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 40 == 0:
        model.eval()
        with torch.no_grad():
            guesses = torch.cat([model(row.unsqueeze(0)).argmax(1) for row in x_val])
        print(f"step {step} loss {loss.item():.4f} validation {(guesses == y_val).float().mean().item():.4f}")
