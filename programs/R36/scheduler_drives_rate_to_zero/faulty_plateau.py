import torch
from sklearn.datasets import load_digits
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset


class Trainer:
    def __init__(self, model, train, val):
        self.model = model
        self.train_loader = DataLoader(train, batch_size=50, shuffle=True)
        self.val_loader = DataLoader(val, batch_size=100)
        self.optimizer = optim.SGD(model.parameters(), lr=0.06)
        self.scheduler = optim.lr_scheduler.ReduceLROnPlateau(
            self.optimizer, mode="max", factor=0.1, patience=1
        )

    def fit(self, epochs):
        for epoch in range(epochs):
            self.model.train()
            for x, y in self.train_loader:
                self.optimizer.zero_grad()
                loss = nn.functional.cross_entropy(self.model(x), y)
                loss.backward()
                self.optimizer.step()
            val_loss, accuracy = self.validate()
            self.scheduler.step(val_loss)
            print(f"epoch {epoch}: train {loss.item():.3f} val {val_loss:.3f} accuracy {accuracy:.3f}")

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        loss, correct, count = 0.0, 0, 0
        for x, y in self.val_loader:
            logits = self.model(x)
            loss += nn.functional.cross_entropy(logits, y, reduction="sum").item()
            correct += (logits.argmax(1) == y).sum().item()
            count += len(y)
        return loss / count, correct / count


torch.manual_seed(0)
x, y = load_digits(return_X_y=True)
order = torch.randperm(len(x))
x, y = torch.tensor(x, dtype=torch.float32)[order], torch.tensor(y)[order]
x = (x - x[:1400].mean()) / x[:1400].std()
net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
Trainer(net, TensorDataset(x[:1400], y[:1400]), TensorDataset(x[1400:], y[1400:])).fit(20)
