"""A vision transformer with a class token on the digits, trained with mixup and a one-epoch warm-up."""
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


class PatchEmbedding(nn.Module):
    def __init__(self, patch=2, width=48):
        super().__init__()
        self.project = nn.Conv2d(1, width, patch, stride=patch)
        self.cls = nn.Parameter(torch.zeros(1, 1, width))
        self.position = nn.Parameter(torch.randn(1, (8 // patch) ** 2 + 1, width) * 0.02)

    def forward(self, images):
        tokens = self.project(images).flatten(2).transpose(1, 2)
        return torch.cat([self.cls.expand(len(images), -1, -1), tokens], 1) + self.position


class ViT(nn.Module):
    def __init__(self, width=48, depth=3, heads=4, classes=10):
        super().__init__()
        self.embed = PatchEmbedding(width=width)
        layer = nn.TransformerEncoderLayer(width, heads, 2 * width, dropout=0.1, activation="gelu", batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, classes))

    def forward(self, images):
        return self.head(self.encoder(self.embed(images))[:, 0])


def mixup(x, y, alpha=0.2):
    weight = torch.distributions.Beta(alpha, alpha).sample().item()
    other = torch.randperm(len(x), device=x.device)
    return weight * x + (1 - weight) * x[other], y, y[other], weight


def evaluate(model, loader):
    model.eval()
    correct = 0
    with torch.inference_mode():
        for x, y in loader:
            correct += (model(x.to(device)).argmax(-1) == y.to(device)).sum().item()
    return correct / len(loader.dataset)


def main():
    torch.manual_seed(42)
    images, labels = load_digits(return_X_y=True)
    images = torch.tensor(images, dtype=torch.float32).view(-1, 1, 8, 8) / 16
    images = (images - 0.3) / 0.38
    x_train, x_val, y_train, y_val = train_test_split(images, torch.tensor(labels), test_size=0.2, stratify=labels, random_state=0)
    train = DataLoader(TensorDataset(x_train, y_train), batch_size=64, shuffle=True)
    val = DataLoader(TensorDataset(x_val, y_val), batch_size=128)
    model = ViT().to(device)
    criterion = nn.CrossEntropyLoss()
    epochs = 14
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
    scheduler = torch.optim.lr_scheduler.SequentialLR(optimizer, [
        torch.optim.lr_scheduler.LinearLR(optimizer, 0.01, total_iters=len(train)),
        torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, (epochs - 1) * len(train))], milestones=[len(train)])
    for epoch in range(epochs):
        model.train()
        for x, y in train:
            x, first, second, weight = mixup(x.to(device), y.to(device))
            logits = model(x)
            loss = weight * criterion(logits, first) + (1 - weight) * criterion(logits, second)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
        print(f"Epoch {epoch + 1}/{epochs} - loss: {loss.item():.4f} - val_acc: {evaluate(model, val):.4f}")


if __name__ == "__main__":
    main()
