import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(7)
images, digits = load_digits(return_X_y=True)
images = torch.tensor((images - 4.9) / 6.0, dtype=torch.float32)
digits = torch.tensor(digits)
shuffled = torch.randperm(len(images))
train, test = shuffled[:1400], shuffled[1400:]

layers = [nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)]
model = nn.Sequential(*layers)
optimizer = torch.optim.SGD(model.parameters(), lr=5e-2, momentum=0.9)
for epoch in range(6):
    for rows in train[torch.randperm(len(train))].split(40):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images[rows]), digits[rows]).backward()
        optimizer.step()
with torch.no_grad():
    print(f"test accuracy {(model(images[test]).argmax(1) == digits[test]).float().mean():.3f}")
