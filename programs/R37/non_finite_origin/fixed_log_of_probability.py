import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Tumor(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(30, 64)
        self.output = nn.Linear(64, 1)

    def forward(self, x):
        return torch.sigmoid(self.output(torch.relu(self.hidden(x)))).squeeze(1)


def bce(p, target):
    p = p.clamp(1e-6, 1 - 1e-6)
    return -(target * torch.log(p) + (1 - target) * torch.log(1 - p)).mean()


def main():
    torch.manual_seed(0)
    data = load_breast_cancer()
    x, x_val, y, y_val = train_test_split(data.data, data.target, test_size=0.2, stratify=data.target, random_state=1)
    scaler = StandardScaler().fit(x)
    x, x_val = (torch.tensor(scaler.transform(part), dtype=torch.float32) for part in (x, x_val))
    y, y_val = torch.tensor(y).float(), torch.tensor(y_val).float()
    loader = DataLoader(TensorDataset(x, y), batch_size=35, shuffle=True)
    model = Tumor()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(12):
        model.train()
        for inputs, targets in loader:
            loss = bce(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            probability = model(x_val)
        accuracy = ((probability > 0.5) == y_val.bool()).float().mean().item()
        print(f"epoch {epoch}: loss {loss.item():.4f}, val accuracy {accuracy:.4f}")


if __name__ == "__main__":
    main()
