"""Magnitude pruning in rounds (train, cut half of what is left, rewind to the first weights) on wine-like tables."""
import copy

import torch
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.nn.utils import prune


def get_data():
    x, y = make_classification(
        3000, 30, n_informative=10, n_redundant=5, n_classes=4, n_clusters_per_class=2, class_sep=1.6, random_state=12
    )
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.3, random_state=12, stratify=y)
    scaler = StandardScaler().fit(x_train)
    to_tensor = lambda a: torch.tensor(scaler.transform(a), dtype=torch.float32)  # noqa: E731
    return to_tensor(x_train), to_tensor(x_test), torch.tensor(y_train), torch.tensor(y_test)


def prunable(net):
    return [(m, "weight") for m in net if isinstance(m, nn.Linear)][:-1]


def sparsity(net):
    masks = [m.weight_mask for m, _ in prunable(net) if hasattr(m, "weight_mask")]
    if not masks:
        return 0.0
    return 1 - sum(m.sum().item() for m in masks) / sum(m.numel() for m in masks)


def train(net, x, y, epochs=8):
    optimizer = torch.optim.Adam(net.parameters(), lr=1.5e-3)
    criterion = nn.CrossEntropyLoss()
    net.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(64):
            optimizer.zero_grad()
            loss = criterion(net(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
    return loss.item()


def accuracy(net, x, y):
    net.eval()
    with torch.no_grad():
        return (net(x).argmax(1) == y).float().mean().item()


def rewind(net, first):
    """Put the first weights back under the masks."""
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            parameter.copy_(first[name.replace("weight_orig", "weight")])


def main():
    torch.manual_seed(12)
    x_train, x_test, y_train, y_test = get_data()
    net = nn.Sequential(nn.Linear(30, 128), nn.ReLU(), nn.Linear(128, 96), nn.ReLU(), nn.Linear(96, 4))
    first = copy.deepcopy(net.state_dict())
    for round_ in range(5):
        loss = train(net, x_train, y_train)
        print(f"round {round_}: sparsity {sparsity(net):.3f} last loss {loss:.3f} accuracy {accuracy(net, x_test, y_test):.4f}")
        if round_ < 4:
            prune.global_unstructured(prunable(net), pruning_method=prune.L1Unstructured, amount=0.5)
            rewind(net, first)
    for module, name in prunable(net):
        prune.remove(module, name)
    kept = sum((m.weight != 0).sum().item() for m, _ in prunable(net))
    print(f"weights kept: {kept}; final accuracy {accuracy(net, x_test, y_test):.4f}")


if __name__ == "__main__":
    main()
