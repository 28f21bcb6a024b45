import numpy as np
import torch
from skimage.data import lfw_subset
from torch import nn

rng = np.random.RandomState(11)
torch.manual_seed(11)
pictures = lfw_subset().astype(np.float32)
kind = np.r_[np.ones(100), np.zeros(100)]
shuffled = rng.permutation(200)
train_ids, test_ids = shuffled[:150], shuffled[150:]


def pairs(ids, count):
    left = rng.choice(ids, count)
    right = rng.choice(ids, count)
    target = (kind[left] == kind[right]).astype(np.float32)
    to = lambda index: torch.from_numpy(pictures[index]).unsqueeze(1)  # noqa: E731
    return to(left), to(right), torch.from_numpy(target)


class Encoder(nn.Module):
    def __init__(self, dim=16):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 8, 5, 2), nn.ReLU(), nn.Conv2d(8, 16, 3, 2), nn.ReLU(), nn.Flatten())
        self.out = nn.Linear(16 * 25, dim)

    def forward(self, x):
        return self.out(self.body(x - 0.45))


def distance(a, b):
    return torch.sqrt(((a - b) ** 2).sum(dim=1) + 1e-6)


def contrastive(a, b, same, margin=1.5):
    d = distance(a, b)
    return (same * d**2 + (1 - same) * torch.relu(margin - d) ** 2).mean()


encoder = Encoder()
opt = torch.optim.Adam(encoder.parameters(), lr=1e-3)
for it in range(300):
    a, b, same = pairs(train_ids, 32)
    loss = contrastive(encoder(a), encoder(b), same)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if it % 50 == 49:
        with torch.no_grad():
            a, b, same = pairs(test_ids, 400)
            hits = ((distance(encoder(a), encoder(b)) < 0.75).float() == same).float().mean()
        print(f"iter {it + 1}, loss {loss.item():.4f}, test pairs right: {hits.item():.3f}")
