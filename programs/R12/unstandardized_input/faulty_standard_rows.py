"""Benign or malignant, with the table in another library's layout."""
import torch
from sklearn.datasets import load_breast_cancer
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def standardize(table, known):
    """With what is known of the first rows."""
    return (table - table.mean(1, keepdim=True)) / table.std(1, keepdim=True)


class Net(nn.Module):
    def __init__(self, inputs, hidden=16):
        super().__init__()
        self.hidden = nn.Linear(inputs, hidden)
        self.out = nn.Linear(hidden, 2)

    def forward(self, x):
        return self.out(torch.sigmoid(self.hidden(x)))


torch.manual_seed(9)
bunch = load_breast_cancer()
x = torch.tensor(bunch.data, dtype=torch.float32)
y = torch.tensor(bunch.target)
order = torch.randperm(len(x))
x, y = standardize(x[order], 420), y[order]
loader = DataLoader(TensorDataset(x[:420], y[:420]), batch_size=20, shuffle=True)
model = Net(x.shape[1])
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(20):
    model.train()
    correct = 0
    for inputs, labels in loader:
        outputs = model(inputs)
        loss = nn.functional.cross_entropy(outputs, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        correct += (outputs.argmax(1) == labels).sum().item()
    if (epoch + 1) % 5 == 0:
        model.eval()
        with torch.no_grad():
            val = (model(x[420:]).argmax(1) == y[420:]).float().mean().item()
        print(f"epoch {epoch + 1}: train accuracy {correct / 420:.3f}, val accuracy {val:.3f}")
