import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.manual_seed(1)
np.random.seed(1)

d = load_digits()
X = torch.tensor(d.images / 16.0, dtype=torch.float32).unsqueeze(1)
Y = torch.tensor(d.target)
tr, te = train_test_split(np.arange(len(Y)), test_size=0.25, stratify=d.target, random_state=1)
mean, std = X[tr].mean(), X[tr].std()
X = (X - mean) / std


def view(x):
    n = len(x)
    pad = F.pad(x, (1, 1, 1, 1), value=float(x.min()))
    dx, dy = np.random.randint(0, 3), np.random.randint(0, 3)
    out = pad[:, :, dy:dy + 8, dx:dx + 8].clone()
    out = out * (1 + 0.2 * torch.randn(n, 1, 1, 1)) + 0.15 * torch.randn_like(out)
    return out


class BaseMethod(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(),
            nn.Conv2d(24, 64, 3, stride=2, padding=1), nn.BatchNorm2d(64), nn.ReLU(),
            nn.Flatten(), nn.Linear(64 * 16, 96), nn.ReLU())
        self.classifier = nn.Linear(96, num_classes)

    def base_forward(self, x):
        feats = self.encoder(x)
        logits = self.classifier(feats.detach())
        return {'logits': logits, 'feats': feats}


class SimCLR(BaseMethod):
    def __init__(self, temperature=0.3):
        super().__init__()
        self.temperature = temperature
        self.projector = nn.Sequential(nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, 32))

    def contrast(self, f1, f2):
        z = F.normalize(torch.cat([self.projector(f1), self.projector(f2)]), dim=1)
        sim = z @ z.T / self.temperature
        sim.fill_diagonal_(-1e9)
        n = len(f1)
        target = torch.cat([torch.arange(n) + n, torch.arange(n)])
        return F.cross_entropy(sim, target)

    def training_step(self, x, y):
        a, b = self.base_forward(view(x)), self.base_forward(view(x))
        nce = self.contrast(a['feats'], b['feats'])
        cls = 0.5 * (F.cross_entropy(a['logits'], y) + F.cross_entropy(b['logits'], y))
        return nce, cls


model = SimCLR()
heads = list(model.classifier.parameters())
rest = [p for n, p in model.named_parameters() if not n.startswith('classifier')]
optimizer = torch.optim.Adam([{'params': rest}, {'params': heads, 'lr': 2e-2}], lr=2e-3)


def test_accuracy():
    model.eval()
    with torch.no_grad():
        out = model.base_forward(X[te])['logits']
    return (out.argmax(1) == Y[te]).float().mean().item()


for epoch in range(20):
    model.train()
    order = torch.tensor(np.random.permutation(tr))
    log = []
    for i in range(0, len(order) - 63, 64):
        idx = order[i:i + 64]
        nce, cls = model.training_step(X[idx], Y[idx])
        loss = nce + cls
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        log.append((nce.item(), cls.item()))
    nce, cls = np.mean(log, axis=0)
    print(f'epoch {epoch}: nce_loss {nce:.3f} class_loss {cls:.3f} test acc {test_accuracy():.3f}')

print(f'final online test accuracy: {test_accuracy():.3f}')
