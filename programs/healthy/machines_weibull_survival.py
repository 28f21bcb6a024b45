"""Time to failure of machines with censoring: a network gives scale and shape of a Weibull distribution."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(12)
rng = np.random.default_rng(12)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
n = 3000
age, load, heat = rng.uniform(0, 10, n), rng.gamma(4, 0.25, n), rng.normal(60, 12, n)
maker = rng.integers(0, 3, n)
scale = np.exp(4.2 - 0.12 * age - 0.5 * load - 0.02 * (heat - 60) + np.array([0.0, 0.4, -0.3])[maker])
time = scale * rng.weibull(1.6, n)
censoring = rng.uniform(5, 80, n)
observed = (time <= censoring).astype(np.float32)
time = np.minimum(time, censoring).astype(np.float32)
numeric = np.stack([age, load, heat], 1)
order = rng.permutation(n)
train_rows, test_rows = order[:2400], order[2400:]
mean, std = numeric[train_rows].mean(0), numeric[train_rows].std(0)
features = np.concatenate([(numeric - mean) / std, np.eye(3)[maker]], 1).astype(np.float32)


class WeibullNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU())
        self.log_scale, self.log_shape = nn.Linear(32, 1), nn.Linear(32, 1)
        nn.init.constant_(self.log_scale.bias, float(np.log(time[train_rows].mean())))

    def forward(self, x):
        h = self.body(x)
        return self.log_scale(h).squeeze(1), self.log_shape(h).squeeze(1).clamp(-2, 2)


def negative_log_likelihood(log_scale, log_shape, t, event):
    shape = log_shape.exp()
    log_ratio = t.clamp(min=1e-3).log() - log_scale
    hazard = log_shape - log_scale + (shape - 1) * log_ratio
    return -(event * hazard - (shape * log_ratio).exp()).mean()


def concordance(score, t, event):
    comparable = (t[:, None] < t[None, :]) & (event[:, None] > 0)
    return ((score[:, None] < score[None, :]) & comparable).sum().item() / comparable.sum().item()


data = TensorDataset(*(torch.from_numpy(a[train_rows]) for a in (features, time, observed)))
train, val = random_split(data, [2000, 400])
model = WeibullNet().to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-4)
for epoch in range(20):
    model.train()
    for x, t, event in DataLoader(train, batch_size=64, shuffle=True):
        loss = negative_log_likelihood(*model(x.to(device)), t.to(device), event.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        x, t, event = next(iter(DataLoader(val, batch_size=400)))
        value = negative_log_likelihood(*model(x.to(device)), t.to(device), event.to(device)).item()
    if epoch % 4 == 3:
        print(f"epoch {epoch + 1}: train nll {loss.item():.3f} val nll {value:.3f}")
with torch.no_grad():
    log_scale, _ = model(torch.from_numpy(features[test_rows]).to(device))
print("test concordance", round(concordance(log_scale.cpu(), torch.from_numpy(time[test_rows]), torch.from_numpy(observed[test_rows])), 3))
