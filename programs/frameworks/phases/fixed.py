"""An autoencoder is trained first, then a classifier on its encoder with an optimizer of its own."""

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32) / 16
y = torch.tensor(digits.target)
x_train, x_val, y_train, y_val = train_test_split(x, y, test_size=0.25, random_state=0)

encoder = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 32))
decoder = nn.Sequential(nn.ReLU(), nn.Linear(32, 48), nn.ReLU(), nn.Linear(48, 64))
autoencoder = nn.Sequential(encoder, decoder)
optimizer = torch.optim.Adam(autoencoder.parameters(), lr=2e-3)
loader = DataLoader(TensorDataset(x_train, y_train), batch_size=32, shuffle=True)
for epoch in range(6):
    total = 0.0
    for xb, _ in loader:
        loss = nn.functional.mse_loss(autoencoder(xb), xb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(f"autoencoder, epoch {epoch}: {total / len(loader):.4f}")


class Classifier(nn.Module):
    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(32, 10)

    def forward(self, x):
        return self.head(self.encoder(x))


classifier = Classifier(encoder)
optimizer = torch.optim.SGD(classifier.parameters(), lr=0.05, momentum=0.9)
for epoch in range(6):
    classifier.train()
    for xb, yb in loader:
        loss = nn.functional.cross_entropy(classifier(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    classifier.eval()
    with torch.no_grad():
        accuracy = (classifier(x_val).argmax(1) == y_val).float().mean().item()
    print(f"classifier, epoch {epoch}: validation accuracy {accuracy:.3f}")
