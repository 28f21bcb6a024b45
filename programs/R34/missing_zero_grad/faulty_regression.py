import torch
from sklearn.datasets import make_friedman1
from sklearn.model_selection import train_test_split
from torch import nn


def prepare(seed=0):
    X, y = make_friedman1(n_samples=1000, n_features=5, noise=0.3, random_state=seed)
    X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.2, random_state=seed)
    x_mean, x_std, y_mean, y_std = X_train.mean(0), X_train.std(0), y_train.mean(), y_train.std()
    X_train, X_val = (X_train - x_mean) / x_std, (X_val - x_mean) / x_std
    y_train, y_val = (y_train - y_mean) / y_std, (y_val - y_mean) / y_std
    return [torch.tensor(a, dtype=torch.float32) for a in (X_train, y_train, X_val, y_val)]


class Trainer:
    def __init__(self, model, lr):
        self.model = model
        self.optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
        self.criterion = nn.MSELoss()

    def step(self, x, y):
        loss = self.criterion(self.model(x).squeeze(-1), y)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    @torch.no_grad()
    def validate(self, x, y):
        return self.criterion(self.model(x).squeeze(-1), y).sqrt().item()


def main():
    torch.manual_seed(0)
    X_train, y_train, X_val, y_val = prepare()
    model = nn.Sequential(nn.Linear(5, 48), nn.Tanh(), nn.Linear(48, 24), nn.Tanh(), nn.Linear(24, 1))
    trainer = Trainer(model, lr=0.05)
    for epoch in range(20):
        batches = torch.randperm(len(X_train)).split(40)
        train_loss = sum(trainer.step(X_train[b], y_train[b]) for b in batches) / len(batches)
        print(f"epoch {epoch}: train mse {train_loss:.4f}, val rmse {trainer.validate(X_val, y_val):.4f}")


if __name__ == "__main__":
    main()
