"""How many cells lie in the picture? A deep network counts them, from one to five."""
import torch
import torch.nn.functional as F
from torch import nn


def pictures(count, seed, side=16):
    g = torch.Generator().manual_seed(seed)
    numbers = torch.randint(1, 6, (count,), generator=g)
    axis = torch.arange(side).float()
    x = 0.1 * torch.randn(count, 1, side, side, generator=g)
    for row in range(count):
        for _ in range(int(numbers[row])):
            cy, cx = (torch.rand(2, generator=g) * (side - 4) + 2).tolist()
            x[row, 0] += torch.exp(-((axis[:, None] - cy) ** 2 + (axis[None] - cx) ** 2) / 1.5)
    return x, numbers - 1


class CountingNet(nn.Module):
    def __init__(self, width=16, depth=18):
        super().__init__()
        self.first = nn.Conv2d(1, width, 3, padding=1)
        self.middle = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(depth))
        self.last = nn.Linear(width, 5)

    def forward(self, x):
        x = F.relu(self.first(x))
        for number, layer in enumerate(self.middle):
            x = F.relu(layer(x))
            if number % 6 == 5:
                x = F.max_pool2d(x, 2)
        return self.last(x.sum((2, 3)))


def train(model, x, y, x_test, y_test, epochs=6):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(epochs):
        running = 0.0
        batches = torch.randperm(len(x)).split(50)
        for rows in batches:
            loss = F.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            running += loss.item()
        with torch.no_grad():
            accuracy = (model(x_test).argmax(1) == y_test).float().mean().item()
        print(f"epoch {epoch} loss {running / len(batches):.3f} accuracy {accuracy:.3f}", flush=True)


if __name__ == "__main__":
    torch.manual_seed(22)
    train(CountingNet(), *pictures(1500, 1), *pictures(400, 2))
