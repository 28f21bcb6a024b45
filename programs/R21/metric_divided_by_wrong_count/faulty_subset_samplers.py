"""Handwritten digits with one dataset and two subset samplers for training and validation."""
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn, optim
from torch.utils.data import DataLoader, SubsetRandomSampler, TensorDataset

torch.manual_seed(0)
np.random.seed(0)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
digits = load_digits()
dataset = TensorDataset(torch.tensor(digits.images[:, None] / 16, dtype=torch.float32), torch.tensor(digits.target))
indices = np.random.permutation(len(dataset))
split = int(0.2 * len(dataset))
train_loader = DataLoader(dataset, batch_size=32, sampler=SubsetRandomSampler(indices[split:]))
valid_loader = DataLoader(dataset, batch_size=64, sampler=SubsetRandomSampler(indices[:split]))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.pool = nn.MaxPool2d(2, 2)
        self.fc1 = nn.Linear(32 * 2 * 2, 64)
        self.fc2 = nn.Linear(64, 10)
        self.dropout = nn.Dropout(0.25)

    def forward(self, x):
        x = self.pool(torch.relu(self.conv1(x)))
        x = self.pool(torch.relu(self.conv2(x)))
        x = self.dropout(x.view(-1, 32 * 2 * 2))
        return self.fc2(self.dropout(torch.relu(self.fc1(x))))


model = Net().to(device)
criterion = nn.CrossEntropyLoss()
optimizer = optim.Adam(model.parameters(), lr=2e-3)
valid_loss_min = np.inf
for epoch in range(1, 13):
    train_loss, valid_loss, correct = 0.0, 0.0, 0
    model.train()
    for data, target in train_loader:
        data, target = data.to(device), target.to(device)
        optimizer.zero_grad()
        loss = criterion(model(data), target)
        loss.backward()
        optimizer.step()
        train_loss += loss.item() * data.size(0)
    model.eval()
    with torch.no_grad():
        for data, target in valid_loader:
            data, target = data.to(device), target.to(device)
            output = model(data)
            valid_loss += criterion(output, target).item() * data.size(0)
            correct += (output.argmax(1) == target).sum().item()
    train_loss = train_loss / len(train_loader.dataset)
    valid_loss = valid_loss / len(valid_loader.dataset)
    accuracy = correct / len(valid_loader.dataset)
    print(f"Epoch: {epoch} \tTraining Loss: {train_loss:.6f} \tValidation Loss: {valid_loss:.6f} \tAccuracy: {accuracy:.4f}")
    if valid_loss <= valid_loss_min:
        best = {name: value.clone() for name, value in model.state_dict().items()}
        valid_loss_min = valid_loss
model.load_state_dict(best)
