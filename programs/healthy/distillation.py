"""A small student learns from the softened probabilities of a larger teacher."""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
digits = load_digits()
x, y = torch.tensor(digits.data).float(), torch.tensor(digits.target)
order = torch.randperm(len(x))
train, val = order[:1400], order[1400:]
x = (x - x[train].mean()) / x[train].std()
temperature = 3.0


def batches(size=50):
    return train[torch.randperm(len(train))].split(size)


def accuracy(model):
    model.eval()
    with torch.no_grad():
        return (model(x[val]).argmax(1) == y[val]).float().mean().item()


teacher = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
optimizer = torch.optim.Adam(teacher.parameters(), lr=3e-3)
for epoch in range(6):
    for rows in batches():
        loss = F.cross_entropy(teacher(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
print(f"teacher accuracy {accuracy(teacher):.3f}")

student = nn.Sequential(nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 10))
optimizer = torch.optim.Adam(student.parameters(), lr=5e-3)
for epoch in range(6):
    student.train()
    for rows in batches():
        with torch.no_grad():
            soft = F.softmax(teacher(x[rows]) / temperature, dim=1)
        logits = student(x[rows])
        distill = (
            F.kl_div(F.log_softmax(logits / temperature, dim=1), soft, reduction="batchmean") * temperature**2
        )
        loss = 0.7 * distill + 0.3 * F.cross_entropy(logits, y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: loss {loss.item():.3f} student accuracy {accuracy(student):.3f}")
