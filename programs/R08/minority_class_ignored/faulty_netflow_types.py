"""Classify network flows (benign + three attack families) from flow statistics."""
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.datasets import make_classification
from sklearn.metrics import classification_report, f1_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

CLASSES = ["benign", "scan", "bruteforce", "exfiltration"]


@dataclass
class Config:
    n_flows: int = 6000
    hidden: int = 64
    lr: float = 1e-3
    batch_size: int = 128
    epochs: int = 18
    seed: int = 11


class FlowData:
    def __init__(self, cfg):
        x, y = make_classification(
            n_samples=cfg.n_flows, n_features=24, n_informative=10, n_redundant=6, n_classes=4,
            n_clusters_per_class=2, weights=[0.72, 0.17, 0.07, 0.04], class_sep=1.3, flip_y=0.0,
            random_state=cfg.seed)
        x_tr, x_te, y_tr, y_te = train_test_split(x, y, test_size=0.3, stratify=y, random_state=cfg.seed)
        scaler = StandardScaler().fit(x_tr)
        self.x_tr = torch.tensor(scaler.transform(x_tr), dtype=torch.float32)
        self.x_te = torch.tensor(scaler.transform(x_te), dtype=torch.float32)
        self.y_tr, self.y_te = torch.tensor(y_tr), torch.tensor(y_te)


class FlowNet(nn.Module):
    def __init__(self, n_in, hidden, n_out):
        super().__init__()
        self.inp = nn.Linear(n_in, hidden)
        self.mid = nn.Linear(hidden, hidden)
        self.norm = nn.LayerNorm(hidden)
        self.out = nn.Linear(hidden, n_out)

    def forward(self, x):
        h = torch.relu(self.inp(x))
        h = self.norm(h + torch.relu(self.mid(h)))
        return self.out(h)


class Trainer:
    def __init__(self, cfg):
        self.cfg = cfg
        torch.manual_seed(cfg.seed)
        self.data = FlowData(cfg)
        self.model = FlowNet(self.data.x_tr.shape[1], cfg.hidden, len(CLASSES))
        self.opt = torch.optim.AdamW(self.model.parameters(), lr=cfg.lr, weight_decay=0.01)
        counts = torch.bincount(self.data.y_tr, minlength=len(CLASSES)).float()
        weight = counts / counts.sum() * len(CLASSES)
        print("class counts:", counts.int().tolist())
        self.criterion = nn.CrossEntropyLoss(weight=weight)

    def fit(self):
        loader = DataLoader(TensorDataset(self.data.x_tr, self.data.y_tr), self.cfg.batch_size, shuffle=True)
        for epoch in range(self.cfg.epochs):
            self.model.train()
            losses = []
            for x, y in loader:
                loss = self.criterion(self.model(x), y)
                self.opt.zero_grad(set_to_none=True)
                loss.backward()
                self.opt.step()
                losses.append(loss.item())
            pred = self.predict(self.data.x_te)
            acc = (pred == self.data.y_te).float().mean().item()
            f1 = f1_score(self.data.y_te, pred, average="macro")
            print(f"epoch {epoch:2d} loss {np.mean(losses):.4f} test acc {acc:.4f} macro-F1 {f1:.4f}")

    @torch.inference_mode()
    def predict(self, x):
        self.model.eval()
        return self.model(x).argmax(-1)


if __name__ == "__main__":
    torch.set_num_threads(1)
    trainer = Trainer(Config())
    trainer.fit()
    print(classification_report(trainer.data.y_te, trainer.predict(trainer.data.x_te),
                                target_names=CLASSES, zero_division=0))
    print("macro F1: %.4f" % f1_score(trainer.data.y_te, trainer.predict(trainer.data.x_te), average="macro"))
