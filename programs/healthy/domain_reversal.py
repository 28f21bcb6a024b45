import numpy as np
import torch
from sklearn.datasets import make_moons
from torch import nn


class Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, strength):
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad):
        return -ctx.strength * grad, None


class DANN(nn.Module):
    def __init__(self):
        super().__init__()
        self.feature = nn.Sequential(nn.Linear(2, 48), nn.ReLU(), nn.Linear(48, 24), nn.ReLU())
        self.label = nn.Linear(24, 2)
        self.domain = nn.Sequential(nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 2))

    def forward(self, x, strength=0.0):
        h = self.feature(x)
        return self.label(h), self.domain(Reverse.apply(h, strength))


def moons(n, degrees, seed):
    x, y = make_moons(n, noise=0.08, random_state=seed)
    a = np.deg2rad(degrees)
    x = (x - [0.5, 0.25]) @ np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]).T
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y)


def main():
    torch.manual_seed(50)
    xs, ys = moons(1200, 0, 0)
    xt, yt = moons(1200, 25, 1)
    model = DANN()
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    ce = nn.CrossEntropyLoss()
    epochs = 40
    for epoch in range(epochs):
        strength = 0.3 * (2 / (1 + np.exp(-6 * epoch / epochs)) - 1)
        model.train()
        log = np.zeros(2)
        ps, pt = torch.randperm(len(xs)).split(60), torch.randperm(len(xt)).split(60)
        for a, b in zip(ps, pt):
            lab, dom_s = model(xs[a], strength)
            _, dom_t = model(xt[b], strength)
            label_loss = ce(lab, ys[a])
            domain_loss = ce(dom_s, torch.zeros(len(a), dtype=torch.long)) + ce(dom_t, torch.ones(len(b), dtype=torch.long))
            opt.zero_grad()
            (label_loss + domain_loss).backward()
            opt.step()
            log += [label_loss.item(), domain_loss.item()]
        model.eval()
        with torch.no_grad():
            src = (model(xs)[0].argmax(1) == ys).float().mean().item()
            tgt = (model(xt)[0].argmax(1) == yt).float().mean().item()
        if epoch % 3 == 0 or epoch == epochs - 1:
            print(f"epoch {epoch} label_loss {log[0] / len(ps):.3f} domain_loss {log[1] / len(ps):.3f} source_acc {src:.3f} target_acc {tgt:.3f}")


main()
