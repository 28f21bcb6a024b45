import torch
from sklearn.datasets import load_breast_cancer
from torch import nn
from torch.utils.data import DataLoader, Dataset


class TwoModalities(Dataset):
    """Means of the measurements are one modality, their spread and extremes the other."""

    def __init__(self, rows, center, scale, x, y):
        self.x = ((x - center) / scale)[rows].float()
        self.y = y[rows]

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return {"mean": self.x[i, :10], "rest": self.x[i, 10:], "label": self.y[i]}


class Encoder(nn.Module):
    def __init__(self, indim, outdim, p):
        super().__init__()
        self.fc = nn.Linear(indim, outdim)
        self.bn = nn.BatchNorm1d(outdim)
        self.drop = nn.Dropout(p)

    def forward(self, x):
        return self.drop(torch.relu(self.bn(self.fc(x))))


class MMDL(nn.Module):
    def __init__(self, encoders, fusion_dim, classes):
        super().__init__()
        self.encoders = nn.ModuleDict(encoders)
        self.head = nn.Linear(fusion_dim, classes)

    def forward(self, inputs):
        return self.head(torch.cat([enc(inputs[name]) for name, enc in self.encoders.items()], dim=-1))


def accuracy(truth, pred):
    return (truth == pred).float().mean().item()


def run_validation(model, loader, criterion):
    model.eval()
    with torch.no_grad():
        model.train()
        total, preds, truths = 0.0, [], []
        for batch in loader:
            out = model(batch)
            total += criterion(out, batch["label"]).item() * len(out)
            preds.append(out.argmax(-1))
            truths.append(batch["label"])
    return total / len(loader.dataset), accuracy(torch.cat(truths), torch.cat(preds))


def train(encoders, loaders, total_epochs, lr=1e-3, weight_decay=1e-4):
    model = MMDL(encoders, 64, 2)
    criterion = nn.CrossEntropyLoss()
    op = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay)
    best = float("inf")
    for epoch in range(total_epochs):
        model.train()
        running = 0.0
        for batch in loaders["train"]:
            op.zero_grad()
            loss = criterion(model(batch), batch["label"])
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 8)
            op.step()
            running += loss.item()
        val_loss, val_acc = run_validation(model, loaders["valid"], criterion)
        if val_loss < best:
            best = val_loss
            print("saving best", end=" ")
        print(f"epoch {epoch} train loss {running / len(loaders['train']):.3f} valid loss {val_loss:.3f} acc {val_acc:.3f}")


def main():
    torch.manual_seed(3)
    data = load_breast_cancer()
    x, y = torch.tensor(data.data), torch.tensor(data.target)
    order = torch.randperm(len(y))
    tr, va = order[:400], order[400:]
    center, scale = x[tr].mean(0), x[tr].std(0)
    loaders = {
        "train": DataLoader(TwoModalities(tr, center, scale, x, y), batch_size=32, shuffle=True),
        "valid": DataLoader(TwoModalities(va, center, scale, x, y), batch_size=13),
    }
    train({"mean": Encoder(10, 32, 0.5), "rest": Encoder(20, 32, 0.5)}, loaders, total_epochs=8)


main()
