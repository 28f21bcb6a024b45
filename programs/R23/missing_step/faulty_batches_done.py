"""One-stage detector: every cell of a grid says whether an object's centre lies in it, and where its box is."""
import argparse

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=8, help="number of epochs")
parser.add_argument("--batch_size", type=int, default=16, help="size of each image batch")
parser.add_argument("--gradient_accumulations", type=int, default=1, help="number of gradient accums before step")
parser.add_argument("--img_size", type=int, default=32, help="size of each image dimension")
parser.add_argument("--evaluation_interval", type=int, default=2, help="interval evaluations on validation set")
opt = parser.parse_args()


class Scenes(Dataset):
    def __init__(self, count, seed, size, cells=4):
        self.count, self.seed, self.size, self.cells = count, seed, size, cells

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        g = torch.Generator().manual_seed(self.seed * 100_003 + index)
        image = 0.25 * torch.randn(1, self.size, self.size, generator=g)
        target = torch.zeros(5, self.cells, self.cells)
        cell = self.size // self.cells
        for _ in range(int(torch.randint(1, 4, (), generator=g))):
            cx, cy, w, h = (torch.rand(4, generator=g) * torch.tensor([0.8, 0.8, 0.15, 0.15])
                            + torch.tensor([0.1, 0.1, 0.12, 0.12])).mul(self.size).tolist()
            x0, x1 = max(0, round(cx - w / 2)), min(self.size, round(cx + w / 2))
            y0, y1 = max(0, round(cy - h / 2)), min(self.size, round(cy + h / 2))
            image[0, y0:y1, x0:x1] += 1.0
            i, j = int(cy // cell), int(cx // cell)
            target[:, i, j] = torch.tensor([1.0, cx / cell - j, cy / cell - i, w / cell, h / cell])
        return image, target


class Darknet(nn.Module):
    def __init__(self):
        super().__init__()
        layers, inputs = [], 1
        for index, outputs in enumerate((12, 24, 32)):
            layers += [nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.1)]
            inputs = outputs
        self.layers = nn.Sequential(*layers, nn.Conv2d(32, 32, 3, padding=1), nn.LeakyReLU(0.1), nn.Conv2d(32, 5, 1))
        self.bce, self.mse = nn.BCEWithLogitsLoss(), nn.MSELoss()

    def forward(self, images, targets=None):
        outputs = self.layers(images)
        if targets is None:
            return outputs
        filled = targets[:, 0] > 0
        boxes = outputs[:, 1:].permute(0, 2, 3, 1)[filled]
        loss = self.bce(outputs[:, 0], targets[:, 0]) + self.mse(boxes, targets[:, 1:].permute(0, 2, 3, 1)[filled])
        return loss, outputs


def evaluate(model, loader):
    model.eval()
    true = found = wanted = 0
    with torch.no_grad():
        for images, targets in loader:
            said, is_there = model(images)[:, 0] > 0, targets[:, 0] > 0
            true += (said & is_there).sum().item()
            found += said.sum().item()
            wanted += is_there.sum().item()
    return 2 * true / max(1, found + wanted)


torch.manual_seed(0)
model = Darknet()
dataloader = DataLoader(Scenes(960, 1, opt.img_size), batch_size=opt.batch_size, shuffle=True)
valid_loader = DataLoader(Scenes(240, 2, opt.img_size), batch_size=60)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

for epoch in range(opt.epochs):
    model.train()
    for batch_i, (imgs, targets) in enumerate(dataloader):
        batches_done = len(dataloader) * epoch + batch_i

        loss, outputs = model(imgs, targets)
        loss.backward()

        if batches_done % opt.gradient_accumulations:
            optimizer.step()
            optimizer.zero_grad()

    print(f"---- epoch {epoch + 1}/{opt.epochs}, loss {loss.item():.4f} ----")
    if (epoch + 1) % opt.evaluation_interval == 0:
        print(f"---- F1 {evaluate(model, valid_loader):.4f}")
