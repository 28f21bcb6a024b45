import logging

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
log = logging.getLogger(__name__)


class BasicBlock(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        nn.init.zeros_(self.bn2.weight)
        self.short = nn.Identity() if cin == cout and stride == 1 else nn.Conv2d(cin, cout, 1, stride)

    def forward(self, x):
        h = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(h)) + self.short(x))


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        self.stages = nn.Sequential(BasicBlock(16, 16, 1), BasicBlock(16, 32, 2))
        self.fc = nn.Linear(32, 10)

    def forward(self, x):
        return self.fc(self.stages(self.stem(x)).mean((-2, -1)))


class Trainer:
    def __init__(self, cfg):
        self.cfg = cfg
        torch.manual_seed(cfg["seed"])
        d = load_digits()
        x = (torch.tensor(d.images, dtype=torch.float32)[:, None] - 4.9) / 6.0
        data = TensorDataset(x, torch.tensor(d.target))
        self.train_set, self.val_set = torch.utils.data.random_split(data, [1437, 360])
        self.model = ResNet()
        self.optimizer = torch.optim.SGD(self.model.parameters(), cfg["lr"], momentum=0.9, weight_decay=5e-4, nesterov=True)
        self.scheduler = torch.optim.lr_scheduler.MultiStepLR(self.optimizer, cfg["milestones"])
        self.criterion = nn.CrossEntropyLoss()

    def loader(self, part, train):
        return DataLoader(part, batch_size=self.cfg["batch"], shuffle=train)

    def step(self, batch):
        x, y = batch
        self.optimizer.zero_grad()
        out = self.model(x)
        loss = self.criterion(out, y)
        loss.backward()
        self.optimizer.step()
        return loss.item() * len(y)

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        right = sum((self.model(x).argmax(1) == y).sum().item() for x, y in self.loader(self.val_set, False))
        self.model.train()
        return right / len(self.val_set)

    def run(self):
        self.model.train()
        for epoch in range(self.cfg["epochs"]):
            loss = sum(self.step(b) for b in self.loader(self.train_set, True)) / len(self.train_set)
            self.scheduler.step()
            log.info("epoch %d", epoch)
            print(f"epoch {epoch}: loss {loss:.3f} val {self.validate():.3f}")


if __name__ == "__main__":
    Trainer({"seed": 0, "lr": 0.1, "batch": 32, "epochs": 8, "milestones": [6]}).run()
