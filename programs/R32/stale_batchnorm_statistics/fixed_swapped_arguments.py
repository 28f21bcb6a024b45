import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def block(inside, outside):
    return nn.Sequential(
        nn.Linear(inside, outside), nn.ReLU(), nn.BatchNorm1d(outside, 1e-5, 0.1)
    )


def main():
    torch.manual_seed(0)
    x, y = load_wine(return_X_y=True)
    x, x_val, y, y_val = train_test_split(x, y, test_size=0.3, stratify=y, random_state=2)
    scaler = StandardScaler().fit(x)
    x, x_val = (torch.tensor(scaler.transform(v), dtype=torch.float32) for v in (x, x_val))
    y, y_val = torch.tensor(y), torch.tensor(y_val)
    model = nn.Sequential(block(13, 64), block(64, 64), block(64, 64), block(64, 64), nn.Linear(64, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    loader = DataLoader(TensorDataset(x, y), batch_size=31, shuffle=True)
    for epoch in range(25):
        model.train()
        for inputs, targets in loader:
            loss = nn.functional.cross_entropy(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            accuracy = (model(x_val).argmax(1) == y_val).float().mean().item()
        if epoch % 4 == 0:
            print(f"epoch {epoch} loss {loss.item():.4f} accuracy {accuracy:.3f}")


if __name__ == "__main__":
    main()
