"""Reads the rows of a digit: which digit it is, and what the next row looks like. The model computes its own loss."""
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

CONFIG = {"hidden": 48, "lr": 0.1, "epochs": 8, "weights": {"label": 1.0, "next_row": 1.0}}


class RowReader(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.gru = nn.GRU(8, config["hidden"], batch_first=True)
        self.label = nn.Linear(config["hidden"], 10)
        self.next_row = nn.Linear(config["hidden"], 8)
        self.weights = config["weights"]

    def losses(self, states, rows, labels):
        return {
            "label": F.cross_entropy(self.label(states[:, -1]), labels),
            "next_row": F.smooth_l1_loss(self.next_row(states[:, :-1]), rows[:, 1:]),
        }

    def forward(self, rows, labels=None):
        states, _ = self.gru(rows)
        logits = self.label(states[:, -1])
        if labels is None:
            return logits
        losses = self.losses(states, rows, labels)
        total = 0.0
        for name, value in losses.items():
            total = total + self.weights[name] * value
        return logits, total


def main():
    torch.manual_seed(0)
    digits = load_digits()
    x, y = torch.tensor(digits.images).float() / 16, torch.tensor(digits.target)
    order = torch.randperm(len(x))
    train, val = order[:1450], order[1450:]
    loader = DataLoader(TensorDataset(x[train], y[train]), batch_size=58, shuffle=True)
    model = RowReader(CONFIG)
    optimizer = torch.optim.SGD(model.parameters(), lr=CONFIG["lr"], momentum=0.9)
    for epoch in range(CONFIG["epochs"]):
        model.train()
        for rows, labels in loader:
            optimizer.zero_grad()
            _, loss = model(rows, labels)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        model.eval()
        with torch.no_grad():
            accuracy = (model(x[val]).argmax(1) == y[val]).float().mean()
        print(f"epoch {epoch}: loss {loss:.3f}, accuracy {accuracy:.3f}")


if __name__ == "__main__":
    main()
