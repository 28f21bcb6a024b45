"""Random search over rate, width, dropout and weight decay, cross-validated; the winner is trained again on all training rows."""
import random

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def seed_all(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def build(width, dropout):
    return nn.Sequential(nn.Linear(30, width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, width // 2), nn.ReLU(),
                         nn.Linear(width // 2, 1)).to(device)


def fit(x, y, settings, epochs=15):
    scaler = StandardScaler().fit(x)
    data = TensorDataset(torch.tensor(scaler.transform(x), dtype=torch.float32), torch.tensor(y, dtype=torch.float32))
    model = build(settings["width"], settings["dropout"])
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings["lr"], weight_decay=settings["weight_decay"])
    criterion = nn.BCEWithLogitsLoss()
    model.train()
    for _ in range(epochs):
        for xb, yb in DataLoader(data, batch_size=32, shuffle=True):
            optimizer.zero_grad()
            loss = criterion(model(xb.to(device)).squeeze(1), yb.to(device))
            loss.backward()
            optimizer.step()
    return model, scaler


def score(model, scaler, x, y):
    model.eval()
    with torch.no_grad():
        logits = model(torch.tensor(scaler.transform(x), dtype=torch.float32, device=device)).squeeze(1)
    return roc_auc_score(y, logits.cpu().numpy())


def main():
    seed_all(0)
    x, y = load_breast_cancer(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, stratify=y, random_state=0)
    results = []
    for trial in range(6):
        settings = {"lr": 10 ** random.uniform(-4, -1.5), "width": random.choice([16, 32, 64]),
                    "dropout": random.choice([0.0, 0.2, 0.5]), "weight_decay": 10 ** random.uniform(-5, -1)}
        folds = StratifiedKFold(3, shuffle=True, random_state=trial)
        scores = [score(*fit(x_train[a], y_train[a], settings), x_train[b], y_train[b]) for a, b in folds.split(x_train, y_train)]
        results.append((np.mean(scores), settings))
        print(f"trial {trial}: auc {np.mean(scores):.4f} +- {np.std(scores):.4f}", settings)
    best = max(results, key=lambda result: result[0])[1]
    seeds = []
    for seed in range(3):
        seed_all(100 + seed)
        seeds.append(score(*fit(x_train, y_train, best, epochs=25), x_test, y_test))
    print(f"test auc over three seeds: {np.mean(seeds):.4f} +- {np.std(seeds):.4f}")


if __name__ == "__main__":
    main()
