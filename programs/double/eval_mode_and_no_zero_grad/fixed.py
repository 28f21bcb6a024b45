import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(6)
x, y = load_digits(return_X_y=True)
dataset = TensorDataset(torch.tensor(x, dtype=torch.float32).reshape(-1, 1, 8, 8), torch.tensor(y))
train_set, val_set = random_split(dataset, [1500, 297])
train_loader = DataLoader(train_set, batch_size=50, shuffle=True)

model = nn.Sequential(
    nn.Conv2d(1, 16, 3), nn.BatchNorm2d(16), nn.ReLU(),
    nn.Conv2d(16, 16, 3), nn.BatchNorm2d(16), nn.ReLU(),
    nn.Flatten(), nn.Linear(256, 10),
)
opt = torch.optim.SGD(model.parameters(), lr=0.05)


def evaluate():
    model.eval()
    xs, ys = zip(*val_set)
    with torch.no_grad():
        return (model(torch.stack(xs)).argmax(1) == torch.stack(ys)).float().mean().item()


evaluate()
for epoch in range(6):
    model.train()
    for images, labels in train_loader:
        opt.zero_grad()
        loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        opt.step()
    print(epoch, f"{evaluate():.3f}")
