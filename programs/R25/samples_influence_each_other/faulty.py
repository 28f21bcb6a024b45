"""Wine cultivars from chemical measurements."""
import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x, y = load_wine(return_X_y=True)
x_train, x_val, y_train, y_val = train_test_split(x, y, test_size=0.3, stratify=y, random_state=0)
mean, std = x_train.mean(axis=0), x_train.std(axis=0)
x_train = torch.tensor((x_train - mean) / std, dtype=torch.float32)
x_val = torch.tensor((x_val - mean) / std, dtype=torch.float32)
y_train, y_val = torch.tensor(y_train), torch.tensor(y_val)


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(13, 32)
        self.second = nn.Linear(32, 32)
        self.last = nn.Linear(32, 3)

    def forward(self, x):
        x = self.first(x)
        x = torch.relu(x - x.mean(dim=0, keepdim=True))
        x = torch.relu(self.second(x))
        return self.last(x)


train_loader = DataLoader(TensorDataset(x_train, y_train), batch_size=31, shuffle=True)
val_loader = DataLoader(TensorDataset(x_val, y_val), batch_size=1)
model = Classifier()
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=1e-3)
for epoch in range(25):
    model.train()
    for inputs, labels in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(inputs), labels)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        correct = sum((model(inputs).argmax(1) == labels).sum().item() for inputs, labels in val_loader)
    if epoch % 4 == 0:
        print(f"epoch {epoch} loss {loss.item():.4f} validation accuracy {correct / len(y_val):.3f}")
