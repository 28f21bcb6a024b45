"""Deep plain ReLU network with hand-made initialization."""
import torch
import torch.nn.functional as F
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn

torch.manual_seed(0)
features, target = load_breast_cancer(return_X_y=True)
x, x_val, y, y_val = train_test_split(features, target, stratify=target, test_size=0.25, random_state=0)
scaler = StandardScaler().fit(x)
x = torch.tensor(scaler.transform(x), dtype=torch.float32)
x_val = torch.tensor(scaler.transform(x_val), dtype=torch.float32)
y, y_val = torch.tensor(y).float(), torch.tensor(y_val).float()

WIDTH, DEPTH, GAIN = 40, 10, 3.5
sizes = [30] + [WIDTH] * DEPTH + [1]
weights = [nn.Parameter(torch.randn(i, o) * GAIN / i ** 0.5) for i, o in zip(sizes[:-1], sizes[1:])]
biases = [nn.Parameter(torch.zeros(o)) for o in sizes[1:]]


def network(x):
    for weight, bias in zip(weights[:-1], biases[:-1]):
        x = F.relu(x @ weight + bias)
    return (x @ weights[-1] + biases[-1]).squeeze(1)


optimizer = torch.optim.SGD(weights + biases, lr=5e-3, momentum=0.9)
for step in range(1, 241):
    rows = torch.randint(len(x), (32,))
    loss = F.binary_cross_entropy_with_logits(network(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 40 == 0:
        with torch.no_grad():
            accuracy = ((network(x_val) > 0) == y_val.bool()).float().mean().item()
        print(f"step {step} loss {loss.item():.4g} validation accuracy {accuracy:.3f}")
