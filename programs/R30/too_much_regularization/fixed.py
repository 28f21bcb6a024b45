import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x, y = load_digits(return_X_y=True)
x, x_val, y, y_val = train_test_split(x, y, test_size=0.2, stratify=y, random_state=0)
mean, std = x.mean(), x.std()
x = torch.tensor((x - mean) / std, dtype=torch.float32)
x_val = torch.tensor((x_val - mean) / std, dtype=torch.float32)
y, y_val = torch.tensor(y), torch.tensor(y_val)
loader = DataLoader(TensorDataset(x, y), batch_size=50, shuffle=True)

drop = 0.2
model = nn.Sequential(
    nn.Linear(64, 128), nn.ReLU(), nn.Dropout(drop),
    nn.Linear(128, 128), nn.ReLU(), nn.Dropout(drop),
    nn.Linear(128, 10),
)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

for epoch in range(12):
    model.train()
    total = 0.0
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(inputs), targets)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(targets)
    model.eval()
    with torch.no_grad():
        accuracy = (model(x_val).argmax(1) == y_val).float().mean().item()
    print(f"epoch {epoch:2d}  loss {total / len(x):.3f}  val accuracy {accuracy:.3f}")
