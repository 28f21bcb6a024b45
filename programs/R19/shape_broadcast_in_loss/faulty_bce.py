import torch
import torch.nn.functional as F
from sklearn.datasets import load_breast_cancer
from torch import nn

torch.manual_seed(5)

data = load_breast_cancer()
X = torch.tensor(data.data, dtype=torch.float32)
y = torch.tensor(data.target, dtype=torch.float32)
permutation = torch.randperm(len(X))
train_idx, val_idx = permutation[:450], permutation[450:]
X = (X - X[train_idx].mean(0)) / X[train_idx].std(0)


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(30, 16)
        self.output = nn.Linear(16, 1)

    def forward(self, x):
        return torch.sigmoid(self.output(torch.relu(self.hidden(x))))


def weighted_bce(probability, target):
    weight = torch.where(target > 0.5, 0.8, 1.3)
    probability = probability.clamp(1e-6, 1 - 1e-6)
    log_likelihood = target * probability.log() + (1 - target) * (1 - probability).log()
    return -(weight * log_likelihood).mean()


model = Classifier()
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
for epoch in range(10):
    for batch in train_idx[torch.randperm(len(train_idx))].split(25):
        optimizer.zero_grad()
        loss = weighted_bce(model(X[batch]), y[batch])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        predicted = model(X[val_idx]).squeeze(-1)
        accuracy = ((predicted > 0.5) == (y[val_idx] > 0.5)).float().mean().item()
        val_loss = F.binary_cross_entropy(predicted, y[val_idx]).item()
    print(f"epoch {epoch}: train {loss.item():.3f}, validation {val_loss:.3f}, accuracy {accuracy:.3f}")
