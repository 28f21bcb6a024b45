"""Which page comes next? A recurrent network over the visits of a shop's customers."""
import math

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset

PAGES, PAD = 160, 0


class Visits(Dataset):
    """Customers stay within a section of the shop and follow its usual paths."""

    def __init__(self, count, seed):
        paths = np.random.default_rng(99)
        follow = np.stack([paths.permutation(PAGES)[:3] for _ in range(PAGES)]) + 1
        rng = np.random.default_rng(seed)
        self.visits = []
        for _ in range(count):
            page, visit = int(rng.integers(1, PAGES + 1)), []
            for _ in range(int(rng.integers(6, 15))):
                visit.append(page)
                page = int(follow[page - 1][rng.choice(3, p=[0.85, 0.1, 0.05])])
            self.visits.append(torch.tensor(visit))

    def __len__(self):
        return len(self.visits)

    def __getitem__(self, number):
        return self.visits[number][:-1], self.visits[number][1:]


def collate(batch):
    seen, following = zip(*batch)
    return {"seen": pad_sequence(seen, True, PAD), "next": pad_sequence(following, True, PAD)}


class NextPage(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.page_embedding = nn.Embedding(PAGES + 1, dim, padding_idx=PAD)
        self.rnn = nn.GRU(dim, dim, batch_first=True)
        self.fc = nn.Linear(dim, PAGES + 1)

    def forward(self, seen):
        return self.fc(self.rnn(self.page_embedding(seen))[0])


class NextPageTrainer:
    def __init__(self, model, train_data, test_data, lr=4e-3, epochs=8):
        self.model, self.epochs, self.lr = model, epochs, lr
        self.train_loader = DataLoader(train_data, 32, shuffle=True, collate_fn=collate)
        self.test_loader = DataLoader(test_data, 100, collate_fn=collate)
        self.before_train()

    def before_train(self):
        parameters = []
        params = {"lr": self.lr, "weight_decay": 0.0, "params": []}
        for name, parameter in self.model.named_parameters():
            if "embedding" in name:
                params["params"].append(parameter)
        parameters.append(params)

        params = {"lr": self.lr, "weight_decay": 1e-2, "params": []}
        for name, parameter in self.model.named_parameters():
            if "rnn" in name:
                params["params"].append(parameter)
        parameters.append(params)

        params = {"lr": self.lr, "weight_decay": 1e-2, "params": []}
        for name, parameter in self.model.named_parameters():
            if "fc" in name:
                params["params"].append(parameter)
        parameters.append(params)

        self.optimizer = torch.optim.AdamW(parameters)
        steps = self.epochs * len(self.train_loader)
        self.scheduler = torch.optim.lr_scheduler.LambdaLR(self.optimizer, lambda step: 1 - 0.9 * step / steps)

    def loss(self, batch):
        scores = self.model(batch["seen"])
        return nn.functional.cross_entropy(scores.transpose(1, 2), batch["next"], ignore_index=PAD)

    def train(self):
        for epoch in range(self.epochs):
            self.model.train()
            for batch in self.train_loader:
                self.optimizer.zero_grad()
                loss = self.loss(batch)
                loss.backward()
                nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
                self.optimizer.step()
                self.scheduler.step()
            print(f"epoch {epoch}  train {loss.item():.3f}  perplexity {self.test():.2f}")

    @torch.no_grad()
    def test(self):
        self.model.eval()
        return math.exp(np.mean([self.loss(batch).item() for batch in self.test_loader]))


if __name__ == "__main__":
    torch.manual_seed(5)
    NextPageTrainer(NextPage(), Visits(1500, seed=1), Visits(300, seed=2)).train()
