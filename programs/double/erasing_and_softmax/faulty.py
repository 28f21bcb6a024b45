"""Faces and other things: small grey pictures, pieces of which are erased at random in training."""
import random

import skimage.data
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class RandomErasing:
    def __init__(self, probability=0.5, area=0.1):
        self.probability, self.area = probability, area

    def __call__(self, picture):
        if random.random() < self.probability:
            side = int((self.area * picture.shape[-1] * picture.shape[-2]) ** 0.5)
            top, left = random.randint(0, picture.shape[-2] - side), random.randint(0, picture.shape[-1] - side)
            picture = picture.clone()
            picture[:, top:top + side, left:left + side] = torch.randn(1, side, side)
        return picture


class Faces(Dataset):
    def __init__(self, rows, transform=None):
        pictures = torch.tensor(skimage.data.lfw_subset(), dtype=torch.float32)
        self.pictures = ((pictures - pictures.mean()) / pictures.std())[rows, None]
        self.labels = (torch.arange(200) < 100).long()[rows]
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, number):
        picture = self.pictures[number]
        return (self.transform(picture) if self.transform else picture), self.labels[number]


class FaceOrNot(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, 3, stride=2), nn.ReLU(), nn.Conv2d(8, 16, 3, stride=2), nn.ReLU(),
            nn.Flatten(), nn.Linear(400, 32), nn.ReLU())
        self.out = nn.Linear(32, 2)

    def forward(self, x):
        return self.out(self.features(x)).softmax(1)


random.seed(5)
torch.manual_seed(5)
order = torch.randperm(200)
train_loader = DataLoader(Faces(order[:130], RandomErasing(1.0, 0.9)), batch_size=16, shuffle=True)
test_loader = DataLoader(Faces(order[130:]), batch_size=70)
model = FaceOrNot()
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
criterion = nn.CrossEntropyLoss()
for epoch in range(20):
    model.train()
    for pictures, labels in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(pictures), labels)
        loss.backward()
        optimizer.step()
    model.eval()
    if epoch % 5 == 4:
        with torch.no_grad():
            pictures, labels = next(iter(test_loader))
            accuracy = (model(pictures).argmax(1) == labels).float().mean().item()
        print(f"epoch {epoch + 1} loss {loss.item():.4f} accuracy {accuracy:.4f}")
