# churn model, batch table from three noisy systems; keep the epoch with the best AUC
import copy

import numpy as np
import torch
from sklearn.datasets import make_classification
from sklearn.metrics import confusion_matrix, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import RobustScaler
from torch import nn
from torch.utils.data import DataLoader, Dataset

SEED = 2024
np.random.seed(SEED)
torch.manual_seed(SEED)
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


class ChurnDataset(Dataset):
    def __init__(self, features, churned):
        self.features = torch.as_tensor(features, dtype=torch.float32)
        self.churned = torch.as_tensor(churned, dtype=torch.float32)

    def __getitem__(self, index):
        return {"x": self.features[index], "y": self.churned[index]}

    def __len__(self):
        return len(self.churned)


class ChurnModel(nn.Module):
    def __init__(self, n_in, hidden=(64, 32), p=0.2):
        super().__init__()
        blocks, size = [], n_in
        for h in hidden:
            blocks.append(nn.Sequential(nn.Linear(size, h), nn.BatchNorm1d(h), nn.SELU(), nn.Dropout(p)))
            size = h
        self.blocks = nn.Sequential(*blocks)
        self.logit = nn.Linear(size, 1)

    def forward(self, x):
        return self.logit(self.blocks(x)).flatten()


def train_fn(model, loader, optimizer, criterion):
    model.train()
    total = 0.0
    for batch in loader:
        optimizer.zero_grad()
        loss = criterion(model(batch["x"].to(DEVICE)), batch["y"].to(DEVICE))
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(loader)


def eval_fn(model, loader):
    model.eval()
    probabilities, truth = [], []
    with torch.no_grad():
        for batch in loader:
            probabilities.append(torch.sigmoid(model(batch["x"].to(DEVICE))).cpu())
            truth.append(batch["y"])
    probabilities, truth = torch.cat(probabilities).numpy(), torch.cat(truth).numpy()
    predictions = (probabilities > 0.5).astype(int)
    auc = roc_auc_score(truth, probabilities)
    return auc, confusion_matrix(truth, predictions)


x, y = make_classification(
    4000, 25, n_informative=12, n_redundant=4, weights=[0.85], class_sep=0.9, flip_y=0.02, n_clusters_per_class=3, random_state=SEED)
x_train, x_valid, y_train, y_valid = train_test_split(x, y, test_size=0.3, stratify=y, random_state=SEED)
scaler = RobustScaler().fit(x_train)
train_loader = DataLoader(ChurnDataset(scaler.transform(x_train), y_train), batch_size=64, shuffle=True)
valid_loader = DataLoader(ChurnDataset(scaler.transform(x_valid), y_valid), batch_size=512)
model = ChurnModel(x.shape[1]).to(DEVICE)
optimizer = torch.optim.Adamax(model.parameters(), lr=5e-3)
criterion = nn.BCEWithLogitsLoss()
best = {"auc": 0.0}
for epoch in range(14):
    loss = train_fn(model, train_loader, optimizer, criterion)
    auc, matrix = eval_fn(model, valid_loader)
    print(f"epoch {epoch:2d} loss {loss:.4f} AUC {auc:.4f} missed {matrix[1, 0]} false alarms {matrix[0, 1]}")
    if auc > best["auc"]:
        best = {"auc": auc, "epoch": epoch, "weights": copy.deepcopy(model.state_dict())}
print(f"best epoch: {best['epoch']} AUC {best['auc']:.4f}")
