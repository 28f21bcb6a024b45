"""Pool-based active learning on hand-written digits: thirty labels are bought per round where the margin is least."""
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

rng = np.random.default_rng(44)
images, target = load_digits(return_X_y=True)
order = rng.permutation(len(images))
images = torch.tensor(images[order] / 16 - 0.3, dtype=torch.float32)
target = torch.tensor(target[order])
pool, test = np.arange(1300), torch.arange(1300, 1797)
bought = list(rng.choice(pool, 40, replace=False))


def train(rows, seed):
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 10))
    opt = torch.optim.Adam(net.parameters(), lr=4e-3)
    rows = torch.tensor(np.array(rows))
    for _ in range(20):
        for part in rows[torch.randperm(len(rows))].split(20):
            opt.zero_grad()
            loss = nn.functional.cross_entropy(net(images[part]), target[part], label_smoothing=0.02)
            loss.backward()
            opt.step()
    return net.requires_grad_(False)


for step in range(8):
    net = train(bought, step)
    accuracy = (net(images[test]).argmax(1) == target[test]).float().mean().item()
    print(f"{len(bought)} labels: test accuracy {accuracy:.4f}")
    left = np.setdiff1d(pool, bought)
    top = net(images[torch.tensor(left)]).softmax(1).topk(2).values
    margin = (top[:, 0] - top[:, 1]).numpy()
    bought += list(left[np.argsort(margin)[:30]])
