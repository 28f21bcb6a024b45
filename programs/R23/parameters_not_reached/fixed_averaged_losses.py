"""Sums of two digits from two pictures: the losses of several small groups are averaged before one step, as in a multi-episode trainer."""
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
images, digits = (torch.tensor(a) for a in load_digits(return_X_y=True))
images = (images.float() / 16 - 0.3) / 0.38
train_images, train_digits, test_images, test_digits = images[:1400], digits[:1400], images[1400:], digits[1400:]


class Adder(nn.Module):
    def __init__(self, hidden=96):
        super().__init__()
        self.look = nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.head = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 19))

    def forward(self, first, second):
        return self.head(self.look(first) + self.look(second))


def episode(pool_images, pool_digits, size=16):
    a, b = torch.randint(len(pool_images), (2, size))
    return pool_images[a].to(device), pool_images[b].to(device), (pool_digits[a] + pool_digits[b]).to(device)


class Trainer:
    def __init__(self, model, lr=2e-3, episodes=4):
        self.model, self.episodes = model, episodes
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        self.criterion = nn.CrossEntropyLoss()

    def step(self):
        losses = []
        for _ in range(self.episodes):
            first, second, total = episode(train_images, train_digits)
            losses.append(self.criterion(self.model(first, second), total))
        loss = torch.stack(losses).mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    @torch.no_grad()
    def accuracy(self):
        first, second, total = episode(test_images, test_digits, 1000)
        return (self.model(first, second).argmax(1) == total).float().mean().item()


trainer = Trainer(Adder().to(device))
for iteration in range(1, 1501):
    loss = trainer.step()
    if iteration % 250 == 0:
        print(f"iteration {iteration}: loss {loss:.3f} accuracy {trainer.accuracy():.3f}")
