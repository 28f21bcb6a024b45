import torch
from skimage.data import lfw_subset
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.tensor(lfw_subset(), dtype=torch.float32).unsqueeze(1)
y = torch.arange(200) // 100
order = torch.randperm(200)
train, val = order[:140], order[140:]
x = (x - x[train].mean()) / x[train].std()
loader = DataLoader(TensorDataset(x[train], y[train]), batch_size=20, shuffle=True)

model = nn.Sequential(
    nn.AvgPool2d(2), nn.Flatten(),
    nn.Linear(144, 64), nn.BatchNorm1d(64), nn.ReLU(),
    nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(),
    nn.Linear(32, 2),
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
for epoch in range(15):
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
        accuracy = (model(x[val]).argmax(1) == y[val]).float().mean().item()
    print(f"epoch {epoch}: loss {total / len(train):.4f} accuracy {accuracy:.3f}")
