"""Finds a bright square in a noisy picture: where it is, and which of four textures it has."""
import torch
from torch import nn

torch.manual_seed(0)
COUNT, SIZE, SQUARE = 1200, 16, 6
textures = torch.stack(
    [torch.ones(6, 6), torch.eye(6) + torch.eye(6).flip(0), torch.arange(36).view(6, 6) % 2.0, (torch.arange(6) % 2.0).expand(6, 6)]
)
kind = torch.randint(4, (COUNT,))
corner = torch.randint(SIZE - SQUARE + 1, (COUNT, 2))
pictures = 0.3 * torch.randn(COUNT, 1, SIZE, SIZE)
for picture, k, (row, column) in zip(pictures, kind, corner):
    picture[0, row : row + SQUARE, column : column + SQUARE] += textures[k] * 1.5
place = (corner.float() - 5) / 3.16


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        )
        self.place = nn.Linear(24 * 16, 2)
        self.texture = nn.Linear(24 * 16, 4)

    def forward(self, x):
        h = self.features(x)
        return self.place(h), self.texture(h)


model = Detector()
place_loss = nn.MSELoss(reduction="mean")
texture_loss = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.003, momentum=0.9)
for epoch in range(8):
    model.train()
    for rows in torch.randperm(1000).split(40):
        where, what = model(pictures[rows])
        loss = place_loss(where, place[rows])
        loss += texture_loss(what, kind[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        where, what = model(pictures[1000:])
        error = place_loss(where, place[1000:])
        accuracy = (what.argmax(1) == kind[1000:]).float().mean()
    print(f"epoch {epoch}: place error {error:.3f}, texture accuracy {accuracy:.3f}")
