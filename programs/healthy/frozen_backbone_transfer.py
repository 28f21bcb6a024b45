"""Train a backbone on digits 0-4, freeze it, and train a new head on digits 5-9."""

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(25)
digits = load_digits()
x, y = torch.tensor(digits.images).float().unsqueeze(1), torch.tensor(digits.target)


def split(classes):
    rows = torch.where(torch.isin(y, torch.tensor(classes)))[0]
    rows = rows[torch.randperm(len(rows))]
    return rows[:700], rows[700:]


source_train, source_val = split([0, 1, 2, 3, 4])
target_train, target_val = split([5, 6, 7, 8, 9])
x = (x - x[source_train].mean()) / x[source_train].std()

backbone = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1),
    nn.ReLU(),
    nn.Flatten(),
)


def fit(model, labels, train, val, optimizer, epochs):
    for epoch in range(epochs):
        for rows in train[torch.randperm(len(train))].split(28):
            loss = nn.functional.cross_entropy(model(x[rows]), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            accuracy = (model(x[val]).argmax(1) == labels[val]).float().mean().item()
        print(f"epoch {epoch}: loss {loss.item():.3f} val accuracy {accuracy:.3f}")


print("pretraining")
pretrained = nn.Sequential(backbone, nn.Linear(512, 5))
fit(pretrained, y, source_train, source_val, torch.optim.Adam(pretrained.parameters(), lr=2e-3), epochs=4)

print("new head on the frozen backbone")
for p in backbone.parameters():
    p.requires_grad = False
head = nn.Linear(512, 5)
fit(
    nn.Sequential(backbone, head),
    y - 5,
    target_train,
    target_val,
    torch.optim.Adam(head.parameters(), lr=3e-3),
    epochs=8,
)
