import torch
import torch.nn as nn
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(12)

PLANS = ["stays", "downgrades", "leaves", "upgrades"]

# 15 columns about a phone contract, already scaled by the data team
X, y = make_classification(
    n_samples=3200, n_features=15, n_informative=8, n_redundant=3, n_classes=len(PLANS),
    n_clusters_per_class=2, class_sep=1.9, flip_y=0.02, random_state=21,
)
X = (X - X.mean(0)) / X.std(0)
X = torch.tensor(X, dtype=torch.float32)
y = torch.tensor(y, dtype=torch.long)
X_tr, X_te, y_tr, y_te = train_test_split(X, y, test_size=0.25, random_state=0, stratify=y)


class ChurnModel(nn.Module):
    def __init__(self, n_in, n_out, width=64):
        super().__init__()
        self.input = nn.Linear(n_in, width)
        self.hidden1 = nn.Linear(width, width)
        self.hidden2 = nn.Linear(width, width // 2)
        self.output = nn.Linear(width // 2, n_out)
        self.act = nn.ReLU()
        self.reset()

    def reset(self):
        for layer in (self.input, self.hidden1, self.hidden2, self.output):
            nn.init.constant_(layer.weight, 0.02)
            nn.init.zeros_(layer.bias)

    def forward(self, x):
        x = self.act(self.input(x))
        x = self.act(self.hidden1(x))
        x = self.act(self.hidden2(x))
        return self.output(x)


def loop(model, loader, optimizer=None):
    criterion = nn.CrossEntropyLoss()
    loss_sum = hits = n = 0
    model.train(optimizer is not None)
    with torch.set_grad_enabled(optimizer is not None):
        for xb, yb in loader:
            out = model(xb)
            loss = criterion(out, yb)
            if optimizer is not None:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            loss_sum += loss.item() * len(yb)
            hits += (out.argmax(1) == yb).sum().item()
            n += len(yb)
    return loss_sum / n, hits / n


train_loader = DataLoader(TensorDataset(X_tr, y_tr), batch_size=64, shuffle=True)
test_loader = DataLoader(TensorDataset(X_te, y_te), batch_size=256)

model = ChurnModel(X.shape[1], len(PLANS))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2)

best = 0.0
for epoch in range(1, 21):
    tr_loss, tr_acc = loop(model, train_loader, optimizer)
    te_loss, te_acc = loop(model, test_loader)
    best = max(best, te_acc)
    if epoch % 4 == 0:
        print(f"{epoch:3d} train {tr_loss:.3f}/{tr_acc:.3f} test {te_loss:.3f}/{te_acc:.3f}")

print("best so far", round(best, 3))
print(f"test accuracy {te_acc:.3f}")
