"""
Domain adversarial training (Ganin et al.) for machine state recognition:
labelled data from the lab machine, unlabelled data from the machine in the field.
"""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.autograd import Function
from torch.utils.data import DataLoader, TensorDataset

STATES = ["idle", "cutting", "worn tool", "imbalance"]
N_FEATURES = 24


def spectra(n, domain, rng):
    """band energies; the field machine has another foundation (tilt) and more hum"""
    y = rng.integers(0, len(STATES), n)
    bands = np.arange(N_FEATURES)
    proto = np.stack([
        0.4 * np.exp(-bands / 6.0),
        1.5 * np.exp(-0.5 * ((bands - 9) / 3.0) ** 2),
        1.4 * np.exp(-0.5 * ((bands - 15) / 3.0) ** 2),
        1.6 * np.exp(-0.5 * ((bands - 3) / 1.5) ** 2),
    ])
    x = proto[y] * rng.uniform(0.7, 1.3, (n, 1)) + rng.normal(0, 0.3, (n, N_FEATURES))
    if domain == "field":
        x = 0.8 * x + 0.045 * (bands - 12) + 0.9 * (bands == 5)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y)


class GradReverse(Function):
    @staticmethod
    def forward(ctx, x, lam):
        ctx.lam = lam
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad):
        return -ctx.lam * grad, None


class DANN(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(N_FEATURES, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.classifier = nn.Linear(hidden, len(STATES))
        self.domain = nn.Sequential(nn.Linear(hidden, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, x, lam=0.0):
        f = self.features(x)
        return self.classifier(f), self.domain(GradReverse.apply(f, lam)).squeeze(1)


@torch.no_grad()
def accuracy(model, x, y):
    model.eval()
    return (model(x)[0].argmax(1) == y).float().mean().item()


def main():
    torch.manual_seed(1)
    rng = np.random.default_rng(1)
    xs, ys = spectra(2000, "lab", rng)
    xt, _ = spectra(2000, "field", rng)            # no labels from the field
    xs_test, ys_test = spectra(500, "lab", rng)
    xt_test, yt_test = spectra(500, "field", rng)
    mean, std = xs.mean(0), xs.std(0)
    xs, xt, xs_test, xt_test = [(a - mean) / std for a in (xs, xt, xs_test, xt_test)]

    source = DataLoader(TensorDataset(xs, ys), batch_size=64, shuffle=True, drop_last=True)
    target = DataLoader(TensorDataset(xt), batch_size=64, shuffle=True, drop_last=True)

    model = DANN()
    opt = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-4)
    epochs = 15
    step, total_steps = 0, epochs * len(source)
    for epoch in range(epochs):
        model.train()
        sums = np.zeros(2)
        for (xb, yb), (tb,) in zip(source, target):
            p = step / total_steps
            lam = 2 / (1 + np.exp(-10 * p)) - 1       # schedule of the paper
            logits, dom_s = model(xb, lam)
            _, dom_t = model(tb, lam)
            class_loss = F.cross_entropy(logits, yb)
            domain_loss = 0.5 * (F.binary_cross_entropy_with_logits(dom_s, torch.zeros_like(dom_s))
                                 + F.binary_cross_entropy_with_logits(dom_t, torch.ones_like(dom_t)))
            opt.zero_grad()
            (class_loss + domain_loss).backward()
            opt.step()
            sums += [class_loss.item(), domain_loss.item()]
            step += 1
        sums /= len(source)
        print(f"epoch {epoch + 1:2d} class {sums[0]:.4f} domain {sums[1]:.4f} lambda {lam:.2f} "
              f"source acc {accuracy(model, xs_test, ys_test):.3f} target acc {accuracy(model, xt_test, yt_test):.3f}")


if __name__ == "__main__":
    main()
