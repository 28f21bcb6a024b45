"""Card fraud (about 5 %) with focal loss, bfloat16 autocast and gradient accumulation; threshold chosen on validation."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.metrics import average_precision_score, f1_score
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset

ACCUM = 4


def transactions(n=9000, seed=13):
    rng = np.random.default_rng(seed)
    amount = rng.lognormal(3.2, 1.1, n)
    hour = rng.integers(0, 24, n)
    dist = rng.exponential(12, n)
    age = rng.uniform(0, 10, n)
    freq = rng.poisson(3, n)
    online = rng.random(n) < 0.4
    score = (0.9 * np.log(amount) + 0.05 * dist * online + 1.6 * ((hour < 5) & (amount > 40)) + 0.35 * freq * (dist > 20)
             - 0.15 * age + rng.normal(0, 0.5, n))
    y = (score > np.quantile(score, 0.95)).astype(np.float32)
    x = np.stack([np.log(amount), np.sin(hour * np.pi / 12), np.cos(hour * np.pi / 12), np.log1p(dist), age, freq, online], 1)
    return x.astype(np.float32), y


def focal_loss(logit, target, gamma=2.0, alpha=0.75):
    ce = F.binary_cross_entropy_with_logits(logit, target, reduction="none")
    p_t = torch.exp(-ce)
    a_t = alpha * target + (1 - alpha) * (1 - target)
    return (a_t * (1 - p_t) ** gamma * ce).mean()


class FraudNet(nn.Module):
    def __init__(self, n_in, width=64):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(n_in, width), nn.GELU(), nn.Linear(width, width), nn.GELU(), nn.Linear(width, 1))
        nn.init.constant_(self.net[-1].bias, -2.0)      # rare positives

    def forward(self, x):
        return self.net(x).squeeze(-1)


@torch.no_grad()
def scores(model, x):
    model.eval()
    return torch.sigmoid(model(x)).numpy()


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    x, y = transactions()
    x_tr, x_r, y_tr, y_r = train_test_split(x, y, test_size=0.4, stratify=y, random_state=0)
    x_va, x_te, y_va, y_te = train_test_split(x_r, y_r, test_size=0.5, stratify=y_r, random_state=0)
    mu, sd = x_tr.mean(0), x_tr.std(0)
    x_tr, x_va, x_te = (torch.from_numpy((a - mu) / sd) for a in (x_tr, x_va, x_te))
    loader = DataLoader(TensorDataset(x_tr, torch.from_numpy(y_tr)), batch_size=32, shuffle=True)

    model = FraudNet(x_tr.shape[1])
    opt = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-3)
    epochs = 14
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, epochs)
    for epoch in range(epochs):
        model.train()
        total = 0.0
        opt.zero_grad()
        for i, (xb, yb) in enumerate(loader):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                out = model(xb)
            loss = focal_loss(out.float(), yb)
            (loss / ACCUM).backward()
            if (i + 1) % ACCUM == 0 or i + 1 == len(loader):
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                opt.step()
                opt.zero_grad()
            total += loss.item()
        sched.step()
        ap = average_precision_score(y_va, scores(model, x_va))
        print(f"epoch {epoch + 1:2d} focal {total / len(loader):.5f} val AP {ap:.4f}")
    s_va = scores(model, x_va)
    grid = np.linspace(0.1, 0.9, 33)
    thr = grid[np.argmax([f1_score(y_va, s_va > t) for t in grid])]
    s_te = scores(model, x_te)
    print(f"threshold {thr:.3f}  test AP {average_precision_score(y_te, s_te):.4f}  test F1 {f1_score(y_te, s_te > thr):.4f}")


if __name__ == "__main__":
    main()
