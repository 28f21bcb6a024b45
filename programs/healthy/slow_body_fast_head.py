"""The head is updated after each batch, the body after each fourth one with the gradients of all four."""
import torch
from sklearn.datasets import load_digits
from torch import nn


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ELU(), nn.Conv2d(16, 16, 3), nn.ELU(), nn.Flatten())
        self.head = nn.Linear(16 * 16, 10)

    def forward(self, x):
        return self.head(self.body(x))


class TwoSpeeds:
    def __init__(self, model, every=4):
        self.model, self.every, self.calls = model, every, 0
        self.fast = torch.optim.SGD(model.head.parameters(), lr=0.05, momentum=0.5)
        self.slow = torch.optim.Adam(model.body.parameters(), lr=2e-3)

    def step(self, loss):
        loss.backward()
        self.calls += 1
        self.fast.step()
        self.fast.zero_grad()
        if self.calls % self.every == 0:
            for parameter in self.model.body.parameters():
                parameter.grad.div_(self.every)
            self.slow.step()
            self.slow.zero_grad()


def main():
    torch.manual_seed(31)
    bunch = load_digits()
    images = (torch.tensor(bunch.images, dtype=torch.float32)[:, None] - 4.88) / 6.02
    labels = torch.tensor(bunch.target)
    order = torch.randperm(len(images))
    train, val = order[:1408], order[1408:]
    model = Network()
    updates = TwoSpeeds(model)
    for epoch in range(8):
        model.train()
        for rows in train[torch.randperm(len(train))].split(16):
            loss = nn.functional.cross_entropy(model(images[rows]), labels[rows])
            updates.step(loss)
        model.eval()
        with torch.no_grad():
            accuracy = (model(images[val]).argmax(1) == labels[val]).float().mean()
        print("epoch {} loss {:.4f} val_accuracy {:.4f}".format(epoch, loss.item(), accuracy.item()))


main()
