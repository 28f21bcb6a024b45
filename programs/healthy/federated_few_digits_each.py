"""Federated averaging: every client has the images of three or four digits only, and never shows them."""
import copy

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(61)
CLIENTS, ROUNDS, LOCAL_EPOCHS = 8, 40, 2


class Client:
    def __init__(self, images, labels):
        self.images, self.labels = images, labels

    def train(self, state):
        model = build()
        model.load_state_dict(state)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
        for _ in range(LOCAL_EPOCHS):
            for rows in torch.randperm(len(self.labels)).split(16):
                loss = nn.functional.cross_entropy(model(self.images[rows]), self.labels[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        return model.state_dict(), len(self.labels)


def build():
    return nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10))


digits = load_digits()
order = torch.randperm(1797)
x, y = torch.tensor(digits.data, dtype=torch.float32)[order] / 16, torch.tensor(digits.target)[order]
train_x, train_y, test_x, test_y = x[:1397], y[:1397], x[1397:], y[1397:]
shards = train_y.argsort(stable=True).chunk(CLIENTS * 3)
dealt = torch.randperm(CLIENTS * 3).tolist()
clients = []
for k in range(CLIENTS):
    rows = torch.cat([shards[s] for s in dealt[3 * k : 3 * k + 3]])
    clients.append(Client(train_x[rows], train_y[rows]))

server = build()
for turn in range(ROUNDS):
    chosen = torch.randperm(CLIENTS)[:6].tolist()
    answers = [clients[k].train(copy.deepcopy(server.state_dict())) for k in chosen]
    total = sum(count for _, count in answers)
    merged = {
        name: sum(state[name] * (count / total) for state, count in answers) for name in server.state_dict()
    }
    server.load_state_dict(merged)
    if turn % 8 == 7:
        with torch.no_grad():
            logits = server(test_x)
        print(
            f"round {turn + 1} loss {nn.functional.cross_entropy(logits, test_y):.3f} "
            f"accuracy {(logits.argmax(1) == test_y).float().mean():.4f}"
        )
