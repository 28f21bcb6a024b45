import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x, y = load_digits(return_X_y=True)
x_train, x_val, y_train, y_val = train_test_split(x, y, test_size=0.2, stratify=y, random_state=0)
mean, std = x_train.mean(), x_train.std()
x_train = torch.tensor((x_train - mean) / std, dtype=torch.float32)
x_val = torch.tensor((x_val - mean) / std, dtype=torch.float32)
train_loader = DataLoader(TensorDataset(x_train, torch.tensor(y_train)), batch_size=30, shuffle=True)
val_loader = DataLoader(TensorDataset(x_val, torch.tensor(y_val)), batch_size=10)

model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

for epoch in range(10):
    model.train()
    for inputs, targets in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        optimizer.step()

    model.eval()
    val_loss, correct = 0.0, 0
    with torch.no_grad():
        for inputs, targets in val_loader:
            outputs = model(inputs)
            val_loss += criterion(outputs, targets).item()
            correct += (outputs.argmax(dim=1) == targets).sum().item()
    print(f"epoch {epoch} val loss {val_loss / len(val_loader):.4f} val accuracy {correct / len(x_val):.4f}")
