from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split


@dataclass
class Config:
    epochs: int = 12
    batch_size: int = 64
    lr: float = 0.003
    gamma: float = 2.0
    alpha: float = 0.25
    positive: int = 8


class FocalLoss(nn.Module):
    def __init__(self, gamma=2.0, alpha=0.25, reduction="mean"):
        super().__init__()
        self.gamma, self.alpha, self.reduction = gamma, alpha, reduction

    def forward(self, inputs, targets):
        probs = torch.sigmoid(inputs)
        bce_loss = F.binary_cross_entropy_with_logits(probs, targets, reduction="none")
        p_t = probs * targets + (1 - probs) * (1 - targets)
        focal_weight = (1 - p_t) ** self.gamma
        alpha_t = self.alpha * targets + (1 - self.alpha) * (1 - targets)
        loss = alpha_t * focal_weight * bce_loss
        return loss.mean() if self.reduction == "mean" else loss.sum()


def main(cfg=Config()):
    torch.manual_seed(2)
    X, y = load_digits(return_X_y=True)
    y = (y == cfg.positive).astype("float32")
    Xtr, Xte, ytr, yte = train_test_split(X / 16.0, y, test_size=0.3, random_state=2, stratify=y)
    Xtr, Xte = torch.tensor(Xtr).float(), torch.tensor(Xte).float()
    ytr = torch.tensor(ytr)
    net = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 24), nn.ReLU(), nn.Linear(24, 1))
    criterion = FocalLoss(cfg.gamma, cfg.alpha)
    opt = torch.optim.Adam(net.parameters(), lr=cfg.lr)
    for epoch in range(cfg.epochs):
        running = 0.0
        for idx in torch.randperm(len(Xtr)).split(cfg.batch_size):
            opt.zero_grad()
            loss = criterion(net(Xtr[idx]).squeeze(1), ytr[idx])
            loss.backward()
            opt.step()
            running += loss.item()
        with torch.no_grad():
            pred = (torch.sigmoid(net(Xte).squeeze(1)) > 0.5).numpy()
        print(f"[{epoch + 1:02d}/{cfg.epochs}] loss={running:.4f} F1={f1_score(yte, pred):.3f}")


if __name__ == "__main__":
    main()
