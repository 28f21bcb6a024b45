"""Handwritten digits, with a network of parallel experts; all settings in one place."""
from dataclasses import dataclass, field

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn


@dataclass
class Settings:
    experts: int = 4
    width: int = 6
    epochs: int = 20
    batch_size: int = 32
    optimizer: dict = field(default_factory=lambda: {"lr": 2.0})
    seed: int = 2


class Experts(nn.Module):
    def __init__(self, inputs, classes, settings):
        super().__init__()
        self.experts = [self.expert(inputs, settings.width) for _ in range(settings.experts)]
        self.classify = nn.Linear(settings.experts * settings.width, classes)

    @staticmethod
    def expert(inputs, width):
        return nn.Sequential(nn.Linear(inputs, width), nn.Tanh())

    def forward(self, x):
        return self.classify(torch.cat([expert(x) for expert in self.experts], dim=1))


def main():
    settings = Settings()
    torch.manual_seed(settings.seed)
    table, digit = load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(table, digit, test_size=0.4, random_state=settings.seed)
    scaler = StandardScaler().fit(x_train)
    x_train, x_test = (torch.tensor(scaler.transform(x), dtype=torch.float32) for x in (x_train, x_test))
    y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)
    model = Experts(x_train.shape[1], 10, settings)
    optimizer = torch.optim.Adam(model.parameters(), **settings.optimizer)
    for epoch in range(settings.epochs):
        for rows in torch.randperm(len(x_train)).split(settings.batch_size):
            loss = nn.functional.cross_entropy(model(x_train[rows]), y_train[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if epoch % 5 == 4:
            with torch.no_grad():
                scores = model(x_test)
                right = (scores.argmax(1) == y_test).float().mean().item()
                test_loss = nn.functional.cross_entropy(scores, y_test).item()
            print(f"epoch {epoch + 1} test loss {test_loss:.4f} accuracy {right:.4f}")


if __name__ == "__main__":
    main()
