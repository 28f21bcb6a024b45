import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class PatchTransformer(nn.Module):
    """Sixteen 2x2 patches of an 8x8 image, one token each."""

    def __init__(self, width=32):
        super().__init__()
        self.patches = nn.Conv2d(1, width, kernel_size=2, stride=2)
        self.position = nn.Parameter(torch.randn(1, 16, width) * 0.1)
        layer = nn.TransformerEncoderLayer(width, nhead=4, dim_feedforward=64, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=2)
        self.head = nn.Linear(width, 10)

    def forward(self, images):
        tokens = self.patches(images).flatten(2).transpose(1, 2) + self.position
        return self.head(self.encoder(tokens)[:, 0])


def run_epoch(model, loader, optimizer=None):
    model.train(optimizer is not None)
    loss_sum = correct = count = 0
    with torch.set_grad_enabled(optimizer is not None):
        for images, labels in loader:
            logits = model(images)
            loss = nn.functional.cross_entropy(logits, labels)
            if optimizer is not None:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            loss_sum += loss.item() * len(labels)
            correct += (logits.argmax(1) == labels).sum().item()
            count += len(labels)
    return loss_sum / count, correct / count


def main():
    torch.manual_seed(0)
    digits = load_digits()
    order = torch.randperm(len(digits.target))
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1)[order]
    labels = torch.tensor(digits.target)[order]
    images = (images - images[:1400].mean()) / images[:1400].std()
    train = DataLoader(TensorDataset(images[:1400], labels[:1400]), batch_size=70, shuffle=True)
    val = DataLoader(TensorDataset(images[1400:], labels[1400:]), batch_size=100)

    model = PatchTransformer()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for epoch in range(10):
        train_loss, train_accuracy = run_epoch(model, train, optimizer)
        val_loss, val_accuracy = run_epoch(model, val)
        print(f"{epoch} train {train_loss:.3f} {train_accuracy:.3f} val {val_loss:.3f} {val_accuracy:.3f}")


if __name__ == "__main__":
    main()
