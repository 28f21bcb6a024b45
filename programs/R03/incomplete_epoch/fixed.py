import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class DigitDataset(Dataset):
    def __init__(self, images, labels):
        self.images = images
        self.labels = labels

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.images[index], self.labels[index]


torch.manual_seed(0)
digits = load_digits()
pixels, target = torch.tensor(digits.data, dtype=torch.float32), torch.tensor(digits.target)
order = torch.randperm(len(pixels))
pixels, target = pixels[order], target[order]
mean, std = pixels[:1400].mean(), pixels[:1400].std()
pixels = (pixels - mean) / std
train_loader = DataLoader(DigitDataset(pixels[:1400], target[:1400]), batch_size=16, shuffle=True)

model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
criterion = nn.CrossEntropyLoss()
steps = 0
for epoch in range(200):
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        steps += 1
    if epoch % 20 == 0 or steps >= 400:
        model.eval()
        with torch.no_grad():
            accuracy = (model(pixels[1400:]).argmax(1) == target[1400:]).float().mean().item()
        print(f"{steps} steps, train loss {loss.item():.4f}, val accuracy {accuracy:.3f}")
    if steps >= 400:
        break
