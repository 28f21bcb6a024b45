"""Benign or malignant, from the raw measurements, with a tanh network."""
import torch
from sklearn.datasets import load_breast_cancer
from torch import nn


def main(epochs=10, batch_size=30):
    torch.manual_seed(1)
    cancer = load_breast_cancer()
    X = torch.tensor(cancer.data, dtype=torch.float32)
    y = torch.tensor(cancer.target)
    order = torch.randperm(len(X))
    train, val = order[:420], order[420:]

    model = nn.Sequential(nn.Linear(30, 32), nn.Tanh(), nn.Linear(32, 16), nn.Tanh(), nn.Linear(16, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(epochs):
        for rows in train[torch.randperm(420)].split(batch_size):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(X[rows]), y[rows])
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            val_loss = nn.functional.cross_entropy(model(X[val]), y[val]).item()
            accuracy = (model(X[val]).argmax(1) == y[val]).float().mean().item()
        print(f"epoch {epoch}: loss {loss.item():.3f}, val loss {val_loss:.3f}, val accuracy {accuracy:.3f}")


main()
