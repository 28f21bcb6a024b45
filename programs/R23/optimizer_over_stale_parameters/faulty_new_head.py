import copy

import torch
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler
from torch import nn


class Classifier(nn.Module):
    def __init__(self, backbone, num_classes):
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(16, num_classes)

    def forward(self, x):
        return self.head(self.backbone(x))


def seed_everything(seed):
    torch.manual_seed(seed)
    return torch.Generator().manual_seed(seed)


def main():
    g = seed_everything(33)
    X, y = load_wine(return_X_y=True)
    perm = torch.randperm(len(X), generator=g)
    X, y = torch.tensor(X, dtype=torch.float32)[perm], torch.tensor(y)[perm]
    scaler = StandardScaler().fit(X[:120])
    X = torch.tensor(scaler.transform(X), dtype=torch.float32)
    backbone = nn.Sequential(nn.Linear(13, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU())
    model = Classifier(backbone, 2)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    model.head = nn.Linear(16, 3)  # three cultivars
    model = copy.deepcopy(model)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.05)
    for epoch in range(1, 21):
        model.train()
        for i in torch.randperm(120, generator=g).split(12):
            loss = criterion(model(X[i]), y[i])
            model.zero_grad()
            loss.backward()
            optimizer.step()
        if epoch % 5 == 0:
            model.eval()
            with torch.no_grad():
                val = (model(X[120:]).argmax(1) == y[120:]).float().mean().item()
            print(f"epoch={epoch} loss={loss.item():.4f} val_acc={val:.3f}")


if __name__ == "__main__":
    main()
