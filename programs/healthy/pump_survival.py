import numpy as np
import torch
import torch.nn as nn


def pumps(n, seed):
    """Water pumps: age, load, vibration, temperature, maintenance interval, vendor."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(0, 15, n)
    load = rng.beta(3, 2, n)
    vib = rng.gamma(2, 0.5, n)
    temp = rng.normal(60, 10, n)
    interval = rng.choice([1, 3, 6, 12], n)
    vendor = rng.integers(0, 2, n)
    risk = 0.12 * age + 2.5 * (load - 0.6) ** 2 * 4 + 0.8 * np.log1p(vib) * (1 + vendor) + 0.03 * (temp - 60)
    risk += 0.08 * interval - 0.5 * vendor
    risk = 1.3 * (risk - risk.mean())
    t_fail = rng.weibull(1.4, n) * 1200 * np.exp(-risk / 1.4)
    t_end = rng.uniform(100, 2500, n)
    X = np.column_stack([age, load, vib, temp, interval, vendor])
    return X, np.minimum(t_fail, t_end), (t_fail <= t_end).astype(np.float64), risk


def cox_loss(score, event):
    """Negative partial log likelihood; rows come sorted by descending time."""
    log_risk = torch.logcumsumexp(score, dim=0)
    return -((score - log_risk) * event).sum() / event.sum()


def concordance(score, time, event):
    better = total = 0.0
    for i in np.flatnonzero(event):
        later = time > time[i]
        total += later.sum()
        better += (score[i] > score[later]).sum() + 0.5 * (score[i] == score[later]).sum()
    return better / total


def main():
    torch.manual_seed(0)
    X, time, event, _ = pumps(1500, seed=0)
    X_te, t_te, e_te, true_risk = pumps(500, seed=1)
    mu, sd = X.mean(0), X.std(0)
    X, X_te = (X - mu) / sd, (X_te - mu) / sd

    order = np.argsort(-time)
    X = torch.tensor(X[order], dtype=torch.float32)
    event = torch.tensor(event[order], dtype=torch.float32)
    X_te = torch.tensor(X_te, dtype=torch.float32)
    print(f"{len(X)} pumps, {int(event.sum())} failures, {int((event == 0).sum())} still running")

    net = nn.Sequential(
        nn.Linear(6, 32), nn.SELU(), nn.Dropout(0.1),
        nn.Linear(32, 16), nn.SELU(),
        nn.Linear(16, 1, bias=False),
    )
    opt = torch.optim.Adam(net.parameters(), lr=1e-2, weight_decay=1e-4)
    sched = torch.optim.lr_scheduler.ExponentialLR(opt, gamma=0.99)
    for epoch in range(1, 161):
        net.train()
        loss = cox_loss(net(X).squeeze(1), event)
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        if epoch % 20 == 0:
            net.eval()
            with torch.no_grad():
                c = concordance(net(X_te).squeeze(1).numpy(), t_te, e_te)
            print(f"epoch {epoch:3d} loss {loss.item():.4f} c-index {c:.3f}")
    print(f"c-index of the true risk {concordance(true_risk, t_te, e_te):.3f}")
    print(f"test c-index {c:.3f}")


if __name__ == "__main__":
    main()
