import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

LR = 2e-3


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.fc = nn.Linear(32 * 2 * 2, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc(x.flatten(1))


def evaluate(model, images, labels):
    model.eval()
    with torch.no_grad():
        logits = model(images)
    return F.cross_entropy(logits, labels).item(), (logits.argmax(1) == labels).float().mean().item()


def main():
    torch.manual_seed(1)
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1)
    labels = torch.tensor(digits.target)
    order = torch.randperm(len(images))
    train, val = order[:1400], order[1400:]
    images = (images - images[train].mean()) / images[train].std()

    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), lr=LR)
    for epoch in range(8):
        model.train()
        for batch in train[torch.randperm(len(train))].split(50):
            loss = F.cross_entropy(model(images[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        val_loss, val_accuracy = evaluate(model, images[val], labels[val])
        print(f"epoch {epoch} loss {loss.item():.4f} val loss {val_loss:.4f} val acc {val_accuracy:.4f}")


if __name__ == "__main__":
    main()
