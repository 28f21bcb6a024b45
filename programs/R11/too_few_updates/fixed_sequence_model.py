import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class GRUClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(8, 48, batch_first=True)
        self.head = nn.Linear(48, 10)

    def forward(self, x):
        return self.head(self.gru(x)[0][:, -1])


CONFIG = {"batch_size": 35, "epochs": 6, "lr": 5e-3}


def main():
    torch.manual_seed(3)
    digits = load_digits()
    x, y = torch.tensor(digits.images).float(), torch.tensor(digits.target)
    order = torch.randperm(len(x))
    x, y = x[order], y[order]
    x = (x - x[:1400].mean()) / x[:1400].std()
    loader = DataLoader(TensorDataset(x[:1400], y[:1400]), batch_size=CONFIG["batch_size"], shuffle=True)
    model = GRUClassifier()
    optimizer = torch.optim.Adam(model.parameters(), lr=CONFIG["lr"])
    for epoch in range(CONFIG["epochs"]):
        model.train()
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            accuracy = (model(x[1400:]).argmax(1) == y[1400:]).float().mean().item()
        print(f"epoch {epoch}: loss {loss.item():.3f}, val accuracy {accuracy:.3f}")


main()
