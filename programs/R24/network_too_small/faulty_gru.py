import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class RowGru(nn.Module):
    def __init__(self, hidden_size):
        super().__init__()
        self.gru = nn.GRU(8, hidden_size, batch_first=True)
        self.head = nn.Linear(hidden_size, 10)

    def forward(self, rows):
        return self.head(self.gru(rows)[1][0])


def main(hidden_size=1, epochs=10):
    torch.manual_seed(0)
    digits = load_digits()
    order = torch.randperm(1797)
    x = torch.tensor(digits.images, dtype=torch.float32)[order]
    y = torch.tensor(digits.target)[order]
    x = (x - x[:1440].mean()) / x[:1440].std()
    loader = DataLoader(TensorDataset(x[:1440], y[:1440]), batch_size=48, shuffle=True)
    model = RowGru(hidden_size)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(epochs):
        model.train()
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), targets)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
        model.eval()
        with torch.no_grad():
            accuracy = (model(x[1440:]).argmax(1) == y[1440:]).float().mean().item()
        print(f"epoch {epoch} loss {loss.item():.3f} accuracy {accuracy:.3f}")


if __name__ == "__main__":
    main()
