import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x, y = load_digits(return_X_y=True)
x_train, x_val, y_train, y_val = train_test_split(x, y, test_size=0.25, stratify=y, random_state=0)
mean, std = x_train.mean(), x_train.std()
train = TensorDataset(torch.tensor((x_train - mean) / std, dtype=torch.float32), torch.tensor(y_train))
val = TensorDataset(torch.tensor((x_val - mean) / std, dtype=torch.float32), torch.tensor(y_val))
train_loader = DataLoader(train, batch_size=40, shuffle=True)
val_loader = DataLoader(val, batch_size=50)

model = nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for epoch in range(10):
    model.train()
    for inputs, targets in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(inputs), targets)
        loss.backward()
        optimizer.step()
    model.eval()
    correct = 0
    with torch.no_grad():
        for inputs, targets in val_loader:
            predicted = model(inputs).argmax(1)
            correct = (predicted == targets).sum().item()
    print(f"epoch {epoch} loss {loss.item():.4f} accuracy {correct / len(val):.4f}")
