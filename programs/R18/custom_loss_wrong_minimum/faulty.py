import torch
from sklearn.datasets import load_digits
from torch import nn


def cross_entropy(logits, labels):
    """Mean negative log-likelihood of the right classes."""
    shifted = logits - logits.max(dim=1, keepdim=True).values
    log_probs = shifted - shifted.exp().sum(dim=1, keepdim=True).log()
    return -log_probs[:, labels].mean()


class SmallCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 16, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(144, 32),
            nn.ReLU(),
            nn.Linear(32, 10),
        )

    def forward(self, x):
        return self.net(x)


def main():
    torch.manual_seed(0)
    digits = load_digits()
    order = torch.randperm(len(digits.target))
    x = torch.tensor(digits.images, dtype=torch.float32)[order].unsqueeze(1)
    y = torch.tensor(digits.target)[order]
    x = (x - x[:1437].mean()) / x[:1437].std()
    model = SmallCNN()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(10):
        losses = []
        for batch in torch.randperm(1437).split(48):
            loss = cross_entropy(model(x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        with torch.no_grad():
            val_acc = (model(x[1437:]).argmax(dim=1) == y[1437:]).float().mean().item()
        print(f"{epoch:2d} train_loss={sum(losses) / len(losses):.4f} val_acc={val_acc:.4f}")


if __name__ == "__main__":
    main()
