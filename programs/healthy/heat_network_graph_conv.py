"""District heating network: predict the temperature at every node from inflow and losses with a small message passing network."""
import numpy as np
import torch
from torch import nn


def network(rng):
    n = int(rng.integers(14, 28))
    parent = np.array([-1] + [int(rng.integers(max(0, k - 4), k)) for k in range(1, n)])
    length = rng.uniform(0.2, 1.5, n)
    flow_temp = rng.uniform(70, 95)
    demand = rng.gamma(2, 0.4, n)
    down = demand.copy()
    for k in range(n - 1, 0, -1):
        down[parent[k]] += down[k]
    temp = np.zeros(n)
    temp[0] = flow_temp
    for k in range(1, n):
        temp[k] = 10 + (temp[parent[k]] - 10) * np.exp(-0.12 * length[k] / (0.15 + 0.25 * down[k]))
    feats = np.stack([np.eye(n)[0] * (flow_temp - 80) / 10, np.eye(n)[0], length - 0.85, np.log(down)], axis=1)
    edges = np.array([(parent[k], k) for k in range(1, n)]).T
    return feats, edges, temp + rng.normal(0, 0.15, n)


def batch(graphs):
    feats, sources, targets, temps, offset = [], [], [], [], 0
    for f, e, t in graphs:
        feats.append(f)
        sources.append(e[0] + offset)
        targets.append(e[1] + offset)
        temps.append(t)
        offset += len(t)
    as_float = lambda a: torch.tensor(np.concatenate(a), dtype=torch.float32)
    return as_float(feats), torch.tensor(np.concatenate(sources)), torch.tensor(np.concatenate(targets)), as_float(temps)


class Step(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.message = nn.Sequential(nn.Linear(2 * d + 4, d), nn.ReLU())
        self.cell = nn.GRUCell(d, d)

    def forward(self, h, x, src, dst):
        m = self.message(torch.cat([h[src], h[dst], x[dst]], dim=1))
        inbox = torch.zeros_like(h).index_add(0, dst, m)
        return self.cell(inbox, h)


class GraphNet(nn.Module):
    def __init__(self, d=40, rounds=12):
        super().__init__()
        self.enter = nn.Linear(4, d)
        self.step = Step(d)
        self.rounds = rounds
        self.leave = nn.Sequential(nn.Linear(d, d), nn.ReLU(), nn.Linear(d, 1))

    def forward(self, x, src, dst):
        h = torch.tanh(self.enter(x))
        for _ in range(self.rounds):
            h = self.step(h, x, src, dst)
        return self.leave(h).squeeze(1)


rng = np.random.default_rng(100)
torch.manual_seed(100)
train, test = [network(rng) for _ in range(400)], [network(rng) for _ in range(100)]
all_t = np.concatenate([t for _, _, t in train])
mu, sd = float(all_t.mean()), float(all_t.std())
model = GraphNet()
opt = torch.optim.Adam(model.parameters(), lr=3e-3)
sched = torch.optim.lr_scheduler.OneCycleLR(opt, 6e-3, total_steps=25 * 20)
for epoch in range(25):
    model.train()
    order = rng.permutation(len(train))
    total = 0.0
    for i in range(0, len(train), 20):
        x, src, dst, t = batch([train[k] for k in order[i:i + 20]])
        loss = nn.functional.mse_loss(model(x, src, dst), (t - mu) / sd)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        sched.step()
        total += loss.item() / 20
    if epoch % 5 == 4:
        model.eval()
        with torch.no_grad():
            x, src, dst, t = batch(test)
            err = model(x, src, dst) * sd + mu - t
        print(f"epoch {epoch + 1} mse {total:.4f} new networks: RMSE {err.square().mean().sqrt():.3f} K, "
              f"R2 {1 - err.square().sum() / (t - t.mean()).square().sum():.4f}")
