import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.metrics import r2_score
from torch.utils.data import DataLoader, Dataset

# ---- store sales with entity embeddings (rossmann style), data simulated
CARDINALITIES = {"store": 120, "weekday": 7, "month": 12, "promo_type": 5, "region": 16}
EMB_SIZE = {"store": 3, "weekday": 2, "month": 2, "promo_type": 2, "region": 2}


def make_frame(n, rng, effects):
    cats = {c: rng.integers(0, k, n) for c, k in CARDINALITIES.items()}
    cats["region"] = effects["region_of"][cats["store"]]
    distance = rng.exponential(1.0, n)
    holiday = (rng.random(n) < 0.05).astype(float)
    y = (
        effects["store"][cats["store"]]
        + effects["weekday"][cats["weekday"]] * (1 + 0.5 * effects["store"][cats["store"]])
        + effects["month"][cats["month"]]
        + effects["promo_type"][cats["promo_type"]]
        - 0.3 * distance
        - 0.8 * holiday
        + rng.normal(0, 0.3, n)
    )
    cont = np.stack([distance - 1, holiday], 1)
    return cats, cont.astype(np.float32), y.astype(np.float32)


class SalesDataset(Dataset):
    def __init__(self, cats, cont, y):
        self.cats = np.stack([cats[c] for c in CARDINALITIES], 1).astype(np.int64)
        self.cont, self.y = cont, y

    def __len__(self):
        return len(self.y)

    def __getitem__(self, idx):
        return self.cats[idx], self.cont[idx], self.y[idx]


class TabularModel(nn.Module):
    def __init__(self, emb_size, n_cont, layers=(32, 16), ps=(0.05, 0.05)):
        super().__init__()
        self.embs = {c: nn.Embedding(CARDINALITIES[c], d) for c, d in emb_size.items()}
        self.emb_drop = nn.Dropout(0.02)
        self.bn_cont = nn.BatchNorm1d(n_cont)
        sizes = [sum(emb_size.values()) + n_cont, *layers]
        blocks = []
        for i, p in enumerate(ps):
            blocks += [nn.Linear(sizes[i], sizes[i + 1]), nn.ReLU(), nn.BatchNorm1d(sizes[i + 1]), nn.Dropout(p)]
        self.layers = nn.Sequential(*blocks, nn.Linear(layers[-1], 1))

    def forward(self, x_cat, x_cont):
        x = torch.cat([self.embs[c](x_cat[:, i]) for i, c in enumerate(self.embs)], 1)
        x = torch.cat([self.emb_drop(x), self.bn_cont(x_cont)], 1)
        return self.layers(x).squeeze(1)


def run():
    rng = np.random.default_rng(42)
    torch.manual_seed(42)
    effects = {c: rng.normal(0, 0.7, k) for c, k in CARDINALITIES.items()}
    effects["store"] = rng.normal(0, 1.0, 120)
    effects["region_of"] = rng.integers(0, 16, 120)
    train_dl = DataLoader(SalesDataset(*make_frame(6000, rng, effects)), batch_size=128, shuffle=True)
    valid_dl = DataLoader(SalesDataset(*make_frame(1500, rng, effects)), batch_size=500)
    model = TabularModel(EMB_SIZE, 2)
    opt = torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=1e-6)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, 1e-2, epochs=8, steps_per_epoch=len(train_dl))
    for ep in range(8):
        model.train()
        tot, n = 0.0, 0
        for xc, xn, y in train_dl:
            loss = F.mse_loss(model(xc, xn), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            tot += loss.item() * len(y)
            n += len(y)
        model.eval()
        preds, ys = [], []
        with torch.no_grad():
            for xc, xn, y in valid_dl:
                preds.append(model(xc, xn))
                ys.append(y)
        print(f"ep {ep} train mse {tot / n:.3f} val R2 {r2_score(torch.cat(ys), torch.cat(preds)):.3f}")


run()
