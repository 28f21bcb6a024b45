import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

X, y = load_wine(return_X_y=True)
X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.3, random_state=5, stratify=y)
mean, std = X_train.mean(0), X_train.std(0)
X_train = torch.tensor((X_train - mean) / std, dtype=torch.float32)
X_val = torch.tensor((X_val - mean) / std, dtype=torch.float32)
loader = DataLoader(TensorDataset(X_train, torch.tensor(y_train)), batch_size=16, shuffle=True)
y_val = torch.tensor(y_val)


class SmoothedCrossEntropy(nn.Module):
    """Cross-entropy against targets smoothed towards the uniform distribution."""

    def __init__(self, classes, smoothing=0.05):
        super().__init__()
        self.classes = classes
        self.smoothing = smoothing

    def forward(self, logits, target):
        log_probs = logits.log_softmax(dim=1)
        one_hot = nn.functional.one_hot(logits.argmax(dim=1), self.classes)
        smoothed = one_hot * (1 - self.smoothing) + self.smoothing / self.classes
        return -(smoothed * log_probs).sum(dim=1).mean()


model = nn.Sequential(nn.Linear(13, 32), nn.ReLU(), nn.Linear(32, 3))
criterion = SmoothedCrossEntropy(3)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

for epoch in range(15):
    model.train()
    for inputs, target in loader:
        optimizer.zero_grad()
        loss = criterion(model(inputs), target)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(X_val).argmax(1) == y_val).float().mean().item()
    print(f"epoch {epoch + 1}/15, loss {loss.item():.4f}, val accuracy {accuracy:.4f}")
