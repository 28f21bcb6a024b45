"""Face or not: 25 x 25 grey patches."""
import torch
from skimage.data import lfw_subset
from torch import nn

torch.manual_seed(0)

patches = torch.tensor(lfw_subset(), dtype=torch.float32).unsqueeze(1)
is_face = torch.cat([torch.ones(100), torch.zeros(100)])
order = torch.randperm(200)
train, val = order[:150], order[150:]
patches = (patches - patches[train].mean()) / patches[train].std()


def build():
    return nn.Sequential(
        nn.Conv2d(1, 8, 5, stride=2),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16 * 5 * 5, 1),
        nn.Sigmoid(),
    )


def main():
    model = build()
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    for epoch in range(12):
        perm = train[torch.randperm(len(train))]
        epoch_loss = 0.0
        for batch in perm.split(15):
            output = model(patches[batch]).squeeze(1)
            loss = criterion(output, is_face[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            epoch_loss += loss.item() * len(batch)
        with torch.no_grad():
            val_loss = criterion(model(patches[val]).squeeze(1), is_face[val]).item()
        print(f"[{epoch:02d}] loss {epoch_loss / len(train):.4f}  val loss {val_loss:.4f}")


if __name__ == "__main__":
    main()
