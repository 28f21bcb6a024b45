"""Hospitals train a shared network on tables that stay with them."""
import copy

import torch
from sklearn.datasets import make_classification
from torch import nn

HOSPITALS, ROUNDS, LOCAL_STEPS = 5, 12, 12


def build():
    return nn.Sequential(nn.Linear(14, 48), nn.ReLU(), nn.Linear(48, 4))


class Hospital:
    def __init__(self, table, diagnosis, network, lr):
        self.table, self.diagnosis = table, diagnosis
        self.network = copy.deepcopy(network)
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=lr, momentum=0.9)

    def receive(self, network):
        self.network.load_state_dict(network.state_dict())

    def fit(self, steps):
        self.network.train()
        for _ in range(steps):
            rows = torch.randint(len(self.table), (32,))
            loss = nn.functional.cross_entropy(self.network(self.table[rows]), self.diagnosis[rows])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
        return loss.item()


class Server:
    def __init__(self, hospitals, network):
        self.hospitals, self.network = hospitals, network

    def aggregate(self):
        with torch.no_grad():
            for name, value in self.network.named_parameters():
                value.copy_(torch.stack([dict(h.network.named_parameters())[name] for h in self.hospitals]).mean(0))

    def round(self, number):
        losses = []
        for hospital in self.hospitals:
            if number > 0:
                hospital.receive(self.network)
            losses.append(hospital.fit(LOCAL_STEPS))
        self.aggregate()
        return sum(losses) / len(losses)


def main():
    torch.manual_seed(24)
    x, y = make_classification(
        2600, 14, n_informative=8, n_redundant=2, n_classes=4, n_clusters_per_class=2, class_sep=1.3, random_state=24
    )
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
    x = (x - x[:2000].mean(0)) / x[:2000].std(0)
    start = build()
    parts = torch.arange(2000).chunk(HOSPITALS)
    server = Server([Hospital(x[part], y[part], start, 0.05) for part in parts], start)
    for number in range(ROUNDS):
        loss = server.round(number)
        with torch.no_grad():
            accuracy = (server.network(x[2000:]).argmax(1) == y[2000:]).float().mean().item()
        print(f"round {number}: local loss {loss:.4f} test accuracy {accuracy:.4f}")


main()
