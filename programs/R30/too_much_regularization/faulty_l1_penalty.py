import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn

L1 = 0.5


def penalty(model):
    return sum(p.abs().sum() for p in model.parameters())


def main():
    torch.manual_seed(0)
    x, y = load_wine(return_X_y=True)
    x, x_val, y, y_val = train_test_split(x, y, test_size=0.3, stratify=y, random_state=1)
    scaler = StandardScaler().fit(x)
    x, x_val = (torch.tensor(scaler.transform(v), dtype=torch.float32) for v in (x, x_val))
    y, y_val = torch.tensor(y), torch.tensor(y_val)
    model = nn.Sequential(nn.Linear(13, 24), nn.Tanh(), nn.Linear(24, 3))
    optimizer = torch.optim.RMSprop(model.parameters(), lr=3e-3)
    for epoch in range(1, 41):
        model.train()
        for rows in torch.randperm(len(x)).split(31):
            cross_entropy = nn.functional.cross_entropy(model(x[rows]), y[rows])
            loss = cross_entropy + L1 * penalty(model)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            accuracy = (model(x_val).argmax(1) == y_val).float().mean().item()
        if epoch % 8 == 0:
            print(f"epoch {epoch} cross-entropy {cross_entropy.item():.3f} accuracy {accuracy:.3f}")


if __name__ == "__main__":
    main()
