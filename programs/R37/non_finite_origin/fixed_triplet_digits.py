"""Embedding of digits with a batch-hard triplet loss, judged by nearest neighbours."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, Dataset, Sampler


class Digits(Dataset):
    def __init__(self, images, labels):
        self.images = torch.tensor(images, dtype=torch.float32).view(-1, 1, 8, 8) / 8 - 1
        self.labels = torch.tensor(labels)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.images[i], self.labels[i]


class PKSampler(Sampler):
    """P classes with K samples each."""

    def __init__(self, labels, p=8, k=6, batches=40):
        self.groups = [torch.nonzero(labels == c).flatten() for c in labels.unique()]
        self.p, self.k, self.batches = p, k, batches

    def __len__(self):
        return self.batches

    def __iter__(self):
        for _ in range(self.batches):
            batch = []
            for c in torch.randperm(len(self.groups))[: self.p]:
                group = self.groups[c]
                batch += group[torch.randperm(len(group))[: self.k]].tolist()
            yield batch


class TripletLoss(nn.Module):
    def __init__(self, margin=0.3):
        super().__init__()
        self.ranking_loss = nn.MarginRankingLoss(margin=margin)

    def forward(self, inputs, targets):
        n = inputs.size(0)
        diff = inputs.unsqueeze(0) - inputs.unsqueeze(1)
        dist = diff.pow(2).sum(dim=2).clamp(min=1e-12).sqrt()
        mask = targets.expand(n, n).eq(targets.expand(n, n).t())
        dist_ap = (dist * mask).max(dim=1).values
        dist_an = (dist + 1e4 * mask).min(dim=1).values
        return self.ranking_loss(dist_an, dist_ap, torch.ones_like(dist_an))


class EmbeddingNet(nn.Module):
    def __init__(self, dim=16):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU()
        )
        self.fc = nn.Linear(32 * 16, dim)

    def forward(self, x):
        return F.normalize(self.fc(self.features(x).flatten(1)), dim=1)


def nearest_neighbour_accuracy(model, train, test, device):
    model.eval()
    with torch.no_grad():
        gallery = model(train.images.to(device))
        query = model(test.images.to(device))
    nearest = torch.cdist(query, gallery).argmin(dim=1).cpu()
    return (train.labels[nearest] == test.labels).float().mean().item()


def main():
    torch.manual_seed(11)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, random_state=0, stratify=y)
    train, test = Digits(X_train, y_train), Digits(X_test, y_test)
    loader = DataLoader(train, batch_sampler=PKSampler(train.labels))
    model = EmbeddingNet().to(device)
    criterion = TripletLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(6):
        model.train()
        total = 0.0
        for images, labels in loader:
            images, labels = images.to(device), labels.to(device)
            loss = criterion(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        accuracy = nearest_neighbour_accuracy(model, train, test, device)
        print(f"epoch {epoch + 1} loss {total / len(loader):.4f} 1-nn accuracy {accuracy:.4f}")


if __name__ == "__main__":
    main()
