"""A sweep over learning rates; the last one is what the program goes on with."""

import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn

wine = load_wine()
x_train, x_val, y_train, y_val = train_test_split(wine.data, wine.target, test_size=0.3, random_state=0, stratify=wine.target)
scaler = StandardScaler().fit(x_train)
x_train, x_val = (torch.tensor(scaler.transform(x), dtype=torch.float32) for x in (x_train, x_val))
y_train, y_val = torch.tensor(y_train), torch.tensor(y_val)


def train(lr, epochs=25):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(13, 32), nn.Tanh(), nn.Linear(32, 3))
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    for epoch in range(epochs):
        order = torch.randperm(len(x_train))
        for index in order.split(16):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(x_train[index]), y_train[index])
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        return (net(x_val).argmax(1) == y_val).float().mean().item()


for lr in [0.03, 0.1, 0.3]:
    print(f"lr {lr:g}: validation accuracy {train(lr):.3f}")
