import torch
from sklearn.datasets import load_breast_cancer
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset

torch.manual_seed(4)


class Patients(Dataset):
    def __init__(self):
        cancer = load_breast_cancer()
        order = torch.randperm(len(cancer.target))
        self.x = torch.tensor(cancer.data, dtype=torch.float32)[order]
        self.x = (self.x - self.x[:400].mean(0)) / self.x[:400].std(0)
        self.y = torch.tensor(cancer.target, dtype=torch.float32)[order]

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i - 1]


patients = Patients()
train_loader = DataLoader(Subset(patients, range(400)), batch_size=25, shuffle=True)
val_loader = DataLoader(Subset(patients, range(400, 569)), batch_size=169)
model = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Linear(32, 1))
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)

for epoch in range(8):
    model.train()
    epoch_loss = 0.0
    for x, y in train_loader:
        loss = criterion(model(x).squeeze(1), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() / len(train_loader)
    model.eval()
    with torch.no_grad():
        accuracy = sum(((model(x).squeeze(1) > 0) == (y > 0.5)).float().mean().item() for x, y in val_loader)
    print(f"epoch {epoch}: train loss {epoch_loss:.3f}, val accuracy {accuracy:.3f}")
