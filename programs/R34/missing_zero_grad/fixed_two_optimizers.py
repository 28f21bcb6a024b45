"""Do two people meet again? Their embeddings and the network behind them have an optimizer each."""
import numpy as np
import torch
from torch import nn

PEOPLE, DIM = 150, 8


def meetings(count, seed):
    rng = np.random.default_rng(seed)
    world = np.random.default_rng(50)
    character = world.normal(size=(PEOPLE, 4))
    mixing = world.normal(size=(4, 4))
    a, b = rng.integers(0, PEOPLE, (2, count))
    score = np.einsum("ni,ij,nj->n", character[a], mixing, character[b]) * 0.7
    again = rng.random(count) < 1 / (1 + np.exp(-3.0 * score))
    return torch.from_numpy(a), torch.from_numpy(b), torch.from_numpy(again.astype(np.float32))


class People(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Embedding(PEOPLE, DIM)
        self.second = nn.Embedding(PEOPLE, DIM)
        for table in (self.first, self.second):
            nn.init.normal_(table.weight, std=0.3)

    def forward(self, a, b):
        return self.first(a), self.second(b)


class Judge(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3 * DIM, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, u, v):
        return self.layers(torch.cat([u, v, u * v], dim=1)).squeeze(1)


class Learner:
    def __init__(self, embedding_lr=2.0, lr=2e-3):
        self.people, self.judge = People(), Judge()
        self.people_optimizer = torch.optim.SGD(self.people.parameters(), lr=embedding_lr, momentum=0.9)
        self.judge_optimizer = torch.optim.Adam(self.judge.parameters(), lr=lr)
        self.criterion = nn.BCEWithLogitsLoss()

    def scores(self, a, b):
        return self.judge(*self.people(a, b))

    def learn(self, a, b, again):
        loss = self.criterion(self.scores(a, b), again)
        self.people_optimizer.zero_grad()
        self.judge_optimizer.zero_grad()
        loss.backward()
        self.people_optimizer.step()
        self.judge_optimizer.step()
        return loss.item()


def main():
    torch.manual_seed(16)
    a, b, again = meetings(16_000, seed=1)
    a_test, b_test, again_test = meetings(3_000, seed=2)
    learner = Learner()
    for epoch in range(5):
        losses = [learner.learn(a[rows], b[rows], again[rows]) for rows in torch.randperm(len(a)).split(100)]
        with torch.no_grad():
            right = ((learner.scores(a_test, b_test) > 0) == (again_test > 0.5)).float().mean().item()
        print(f"epoch {epoch} loss {np.mean(losses):.4f} accuracy {right:.4f}")


if __name__ == "__main__":
    main()
