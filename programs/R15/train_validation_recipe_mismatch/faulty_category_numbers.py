"""Price of used bicycles: brands and models become numbers for the embeddings."""
import numpy as np
import torch
from sklearn.metrics import mean_absolute_percentage_error, r2_score
from torch import nn, optim

BRANDS = ["Alba", "Corvo", "Dendrit", "Falk", "Gazela", "Heron", "Iris", "Kestrel", "Lynx", "Merlin", "Nox", "Otter", "Puma", "Quoll"]
TYPES = ["city", "gravel", "kids", "mountain", "race", "trekking"]
COLOURS = ["black", "blue", "green", "red", "silver", "white", "yellow"]


def adverts(n, rng):
    brand_value = np.linspace(-0.7, 0.7, len(BRANDS))[np.random.default_rng(1).permutation(len(BRANDS))]
    type_value = {"city": 0.0, "gravel": 0.6, "kids": -1.1, "mountain": 0.5, "race": 0.8, "trekking": 0.3}
    rows = []
    for _ in range(n):
        b, t = int(rng.integers(len(BRANDS))), str(rng.choice(TYPES))
        age, km = rng.exponential(4), rng.gamma(2, 1500)
        log_price = 6.6 + brand_value[b] + type_value[t] - 0.09 * age - 0.00004 * km + rng.normal(0, 0.12)
        rows.append((BRANDS[b], t, str(rng.choice(COLOURS)), age, km, np.exp(log_price)))
    return rows


def to_numbers(column):
    codes = {}
    return np.array([codes.setdefault(v, len(codes)) for v in column])


def prepare(rows, stats=None):
    brand, kind, colour, age, km, price = zip(*rows)
    cats = np.stack([to_numbers(brand), to_numbers(kind), to_numbers(colour)], axis=1)
    nums = np.stack([np.sqrt(age), np.sqrt(km)], axis=1)
    if stats is None:
        stats = nums.mean(0), nums.std(0), np.mean(np.log(price)), np.std(np.log(price))
    nums = (nums - stats[0]) / stats[1]
    target = (np.log(price) - stats[2]) / stats[3]
    as_float = lambda a: torch.tensor(a, dtype=torch.float32)
    return torch.tensor(cats), as_float(nums), as_float(target), stats


class PriceNet(nn.Module):
    def __init__(self, sizes, dim=5):
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(s, dim) for s in sizes)
        self.mlp = nn.Sequential(nn.Linear(dim * len(sizes) + 2, 64), nn.LeakyReLU(), nn.Linear(64, 32), nn.LeakyReLU(), nn.Linear(32, 1))

    def forward(self, cats, nums):
        e = [table(cats[:, j]) for j, table in enumerate(self.tables)]
        return self.mlp(torch.cat([*e, nums], dim=1)).flatten()


torch.manual_seed(13)
rng = np.random.default_rng(13)
train_rows, test_rows = adverts(2400, rng), adverts(600, rng)
cats, nums, target, stats = prepare(train_rows)
test_cats, test_nums, test_target, _ = prepare(test_rows, stats)
model = PriceNet([len(BRANDS), len(TYPES), len(COLOURS)])
optimizer = optim.Adam(model.parameters(), lr=3e-3)
scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=8, gamma=0.4)
for epoch in range(20):
    model.train()
    running = 0.0
    for batch in torch.randperm(len(target)).split(48):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(cats[batch], nums[batch]), target[batch])
        loss.backward()
        optimizer.step()
        running += loss.item() * len(batch)
    scheduler.step()
    model.eval()
    with torch.no_grad():
        pred = model(test_cats, test_nums)
    if epoch % 4 == 3:
        print(f"epoch {epoch + 1:2d} train mse {running / len(target):.4f} test mse {nn.functional.mse_loss(pred, test_target):.4f}")
price = lambda z: np.exp(z.numpy() * stats[3] + stats[2])
print(f"test R2 {r2_score(test_target, pred):.4f}, mean relative error {mean_absolute_percentage_error(price(test_target), price(pred)):.3f}")
