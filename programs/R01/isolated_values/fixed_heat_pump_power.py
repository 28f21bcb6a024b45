"""Predict electrical power of residential heat pumps from 10-minute logger exports."""
import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import mean_absolute_error, r2_score
from torch.utils.data import DataLoader, TensorDataset

COLUMNS = ["t_outdoor", "t_supply", "t_return", "flow_lpm", "rel_humidity", "compressor_hz", "site_voltage"]
SEED = 7


def read_export(n=5000, seed=SEED):
    """Stands in for the parquet export of the fleet database."""
    rng = np.random.default_rng(seed)
    t_out = rng.normal(6, 8, n)
    t_sup = 45 - 0.5 * t_out + rng.normal(0, 3, n)
    flow = rng.uniform(10, 28, n)
    dt = rng.uniform(3, 9, n)
    hum = np.clip(78 - 0.9 * t_out + rng.normal(0, 9, n), 15, 100)
    hz = np.clip(62 - 0.8 * t_out + rng.normal(0, 12, n), 20, 110)
    volt = rng.normal(231, 2.5, n)
    heat = flow / 60 * 4.18 * dt
    cop = np.clip(0.42 * (t_sup + 273.15) / np.maximum(t_sup - t_out, 12), 1.5, 6.5)
    defrost = ((t_out < 2) & (t_out > -6) & (hum > 75)) * 0.45
    power = heat / cop + 0.004 * hz + defrost + rng.normal(0, 0.06, n)
    table = np.stack([t_out, t_sup, t_sup - dt, flow, hum, hz, volt], 1)
    offline = rng.random(n) < 0.06
    table[offline, 0] = -999.0
    return table.astype(np.float32), power.astype(np.float32)


class PowerNet(nn.Module):
    def __init__(self, n_in, width=64, p=0.05):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(n_in, width), nn.SiLU(), nn.Dropout(p),
            nn.Linear(width, width), nn.SiLU(),
        )
        self.out = nn.Linear(width, 1)

    def forward(self, x):
        return self.out(self.body(x)).squeeze(-1)


def evaluate(model, x, y, y_mu, y_sd):
    model.eval()
    with torch.no_grad():
        pred = model(x).numpy() * y_sd + y_mu
    return r2_score(y, pred), mean_absolute_error(y, pred)


def main():
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    x, y = read_export()
    order = np.random.default_rng(1).permutation(len(x))
    n_val = len(x) // 5
    tr, va = order[n_val:], order[:n_val]

    gap = x[:, 0] < -100
    x[gap, 0] = np.median(x[tr][~gap[tr], 0])

    # scale with statistics of the training rows
    mu, sd = x[tr].mean(0), x[tr].std(0)
    x = (x - mu) / sd
    y_mu, y_sd = y[tr].mean(), y[tr].std()

    x_tr = torch.from_numpy(x[tr])
    y_tr = torch.from_numpy((y[tr] - y_mu) / y_sd)
    x_va = torch.from_numpy(x[va])
    loader = DataLoader(TensorDataset(x_tr, y_tr), batch_size=64, shuffle=True)

    model = PowerNet(len(COLUMNS))
    opt = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-4)
    epochs = 25
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=epochs)
    for epoch in range(epochs):
        model.train()
        running = 0.0
        for xb, yb in loader:
            opt.zero_grad()
            loss = nn.functional.smooth_l1_loss(model(xb), yb)
            loss.backward()
            opt.step()
            running += loss.item() * len(xb)
        sched.step()
        r2, mae = evaluate(model, x_va, y[va], y_mu, y_sd)
        print(f"epoch {epoch + 1:2d}  train {running / len(x_tr):.4f}  val R2 {r2:.4f}  MAE {mae * 1000:.0f} W")
    print(f"final val R2: {r2:.4f}")


if __name__ == "__main__":
    main()
