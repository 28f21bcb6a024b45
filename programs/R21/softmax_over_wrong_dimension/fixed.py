import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x, y = load_breast_cancer(return_X_y=True)
x, x_val, y, y_val = train_test_split(x, y, test_size=0.25, stratify=y, random_state=0)
scaler = StandardScaler().fit(x)
x = torch.tensor(scaler.transform(x), dtype=torch.float32)
x_val = torch.tensor(scaler.transform(x_val), dtype=torch.float32)
y, y_val = torch.tensor(y), torch.tensor(y_val)

model = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-3)
criterion = nn.CrossEntropyLoss()
loader = DataLoader(TensorDataset(x, y), batch_size=25, shuffle=True)

for epoch in range(10):
    model.train()
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        probabilities = torch.softmax(model(x_val), dim=1)
        benign = probabilities[:, 1] > 0.5
        accuracy = (benign == y_val.bool()).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} validation accuracy {accuracy:.4f}")
