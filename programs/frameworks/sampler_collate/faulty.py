import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Sampler

torch.manual_seed(0)
X, y = load_digits(return_X_y=True)
X_train, X_val, y_train, y_val = train_test_split(X / 16 - 0.3, y, test_size=0.3, random_state=0)
X_train, X_val = torch.tensor(X_train, dtype=torch.float32), torch.tensor(X_val, dtype=torch.float32)
y_train, y_val = torch.tensor(y_train), torch.tensor(y_val)


class ByLabel(Sampler):
    """Batches with samples of all labels, in random order."""

    def __init__(self, labels, size):
        self.labels, self.size = labels, size

    def __len__(self):
        return len(self.labels) // self.size

    def __iter__(self):
        order = torch.randperm(len(self.labels))
        order = order[self.labels[order].argsort(stable=True)]
        spread = torch.arange(len(order)).remainder(len(self)).argsort(stable=True)
        for part in order[spread][: len(self) * self.size].split(self.size):
            yield part.tolist()


def collate(samples):
    images, labels = zip(*samples)
    labels = sorted(labels)
    return {"images": torch.stack(images), "labels": torch.stack(labels)}


loader = DataLoader(
    list(zip(X_train, y_train)), batch_sampler=ByLabel(y_train, 32), collate_fn=collate
)

model = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)

for epoch in range(6):
    for batch in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(batch["images"]), batch["labels"])
        loss.backward()
        optimizer.step()

with torch.no_grad():
    accuracy = (model(X_val).argmax(1) == y_val).float().mean()
print(f"validation accuracy {accuracy:.3f}")
