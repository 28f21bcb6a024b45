import torch
from skimage.data import lfw_subset
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
g = torch.Generator().manual_seed(0)
images = torch.tensor(lfw_subset(), dtype=torch.float32)[:, None]
is_face = torch.arange(200) < 100
order = torch.randperm(200, generator=g)
train, test = order[:150], order[150:]


class Embedder(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(1, 16, 5, 2), nn.ReLU(), nn.Conv2d(16, 32, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(800, 16))

    def forward(self, x):
        return F.normalize(self.net((x - 0.47) / 0.2), dim=1)


def triplets(n):
    faces, others = train[is_face[train]], train[~is_face[train]]
    pick = lambda pool: pool[torch.randint(len(pool), (n // 2,), generator=g)]  # noqa: E731
    a = torch.cat([pick(faces), pick(others)])
    p = torch.cat([pick(faces), pick(others)])
    q = torch.cat([pick(others), pick(faces)])
    return a, p, q


net = Embedder()
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
loss_fn = nn.TripletMarginLoss(margin=0.5)
for it in range(120):
    a, p, q = triplets(32)
    loss = loss_fn(net(images[a]), net(images[p]), net(images[q]))
    opt.zero_grad()
    loss.backward()
    opt.step()
    if it % 30 == 29:
        with torch.no_grad():
            bank, queries = net(images[train]), net(images[test])
            nearest = (queries @ bank.t()).argmax(1)
            print(it + 1, f"loss {loss.item():.4f} 1-nn accuracy {(is_face[train][nearest] == is_face[test]).float().mean().item():.3f}")
