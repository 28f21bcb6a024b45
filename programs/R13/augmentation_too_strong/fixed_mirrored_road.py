"""The steering angle from the picture of a camera behind the windscreen, with augmented training pictures."""
import random

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

HEIGHT, WIDTH = 24, 48


def road(rng):
    """A road that bends to one side, and the angle in degrees that follows it (right is positive)."""
    bend, offset = rng.normal(0, 1.0), rng.normal(0, 0.25)
    far = np.linspace(1, 0, HEIGHT)[:, None]
    centre = WIDTH / 2 + 13 * bend * far**2 + 10 * offset * (1 - far)
    half = 3 + 14 * (1 - far)
    columns = np.arange(WIDTH)[None]
    inside = np.abs(columns - centre) < half
    picture = np.where(inside, 0.35, 0.65) + 0.06 * rng.normal(size=(HEIGHT, WIDTH)) + rng.normal(0, 0.08)
    edge = np.abs(np.abs(columns - centre) - half) < 0.8
    picture[edge] = 0.95
    angle = 11.0 * bend + 6.0 * offset + rng.normal(0, 0.8)
    return picture.astype(np.float32), np.float32(angle)


class DrivingLog(Dataset):
    def __init__(self, count, seed, augment):
        rng = np.random.default_rng(seed)
        self.samples = [road(rng) for _ in range(count)]
        self.augment = augment

    def __len__(self):
        return len(self.samples)

    def random_flip(self, picture, angle):
        if random.random() < 0.5:
            picture = np.fliplr(picture)
            angle = -angle
        return picture, angle

    def random_brightness(self, picture):
        return picture * np.float32(random.uniform(0.8, 1.2))

    def __getitem__(self, number):
        picture, angle = self.samples[number]
        if self.augment:
            picture, angle = self.random_flip(picture, angle)
            picture = self.random_brightness(picture)
        return torch.from_numpy(picture.copy())[None] - 0.5, torch.tensor([angle / 15])


class PilotNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(1, 12, 5, stride=2), nn.ELU(), nn.Conv2d(12, 18, 3, stride=2), nn.ELU(), nn.Conv2d(18, 24, 3), nn.ELU())
        self.dense = nn.Sequential(nn.Flatten(), nn.Linear(24 * 2 * 8, 50), nn.ELU(), nn.Linear(50, 1))

    def forward(self, x):
        return self.dense(self.conv(x))


def main(epochs=10, seed=21):
    random.seed(seed)
    torch.manual_seed(seed)
    train_loader = DataLoader(DrivingLog(1200, 1, augment=True), batch_size=40, shuffle=True)
    valid_loader = DataLoader(DrivingLog(300, 2, augment=False), batch_size=100)
    model = PilotNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    criterion = nn.MSELoss()
    for epoch in range(epochs):
        model.train()
        running = 0.0
        for pictures, angles in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(pictures), angles)
            loss.backward()
            optimizer.step()
            running += loss.item()
        model.eval()
        with torch.no_grad():
            errors = torch.cat([(model(p) - a).abs() * 15 for p, a in valid_loader])
        print(f"Epoch {epoch}: loss {running / len(train_loader):.4f}, mean error {errors.mean().item():.2f} degrees")


if __name__ == "__main__":
    main()
