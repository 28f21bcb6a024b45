"""Two random views of a patch find each other in the batch; a linear probe reads the features."""

import torch
import torch.nn.functional as F
from skimage import data
from sklearn.linear_model import LogisticRegression
from torch import nn

torch.manual_seed(8)
sources = [data.brick(), data.grass(), data.gravel(), data.camera()]
tiles = torch.cat(
    [
        torch.tensor(s).unfold(0, 20, 20).unfold(1, 20, 20).reshape(-1, 1, 20, 20)[:500].float()
        for s in sources
    ]
)
labels = torch.arange(4).repeat_interleave(500)
order = torch.randperm(2000)
train, val = order[:1500], order[1500:]
tiles = (tiles - tiles[train].mean()) / tiles[train].std()


def view(batch):
    top, left = torch.randint(0, 5, (2,)).tolist()
    batch = batch[:, :, top : top + 16, left : left + 16]
    batch = batch.flip(-1) if torch.rand(()) < 0.5 else batch
    return batch * (0.8 + 0.4 * torch.rand(len(batch), 1, 1, 1)) + 0.1 * torch.randn_like(batch)


encoder = nn.Sequential(
    nn.Conv2d(1, 16, 3, stride=2),
    nn.ReLU(),
    nn.Conv2d(16, 32, 3, stride=2),
    nn.ReLU(),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
)
projector = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 16))
optimizer = torch.optim.Adam([*encoder.parameters(), *projector.parameters()], lr=3e-3)


def info_nce(a, b, temperature=0.2):
    a, b = F.normalize(projector(encoder(a)), dim=1), F.normalize(projector(encoder(b)), dim=1)
    logits = a @ b.T / temperature
    return F.cross_entropy(logits, torch.arange(len(a)))


for epoch in range(6):
    total = 0.0
    for rows in train[torch.randperm(1500)].split(60):
        loss = info_nce(view(tiles[rows]), view(tiles[rows]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() / 25
    with torch.no_grad():
        features = encoder(tiles[:, :, 2:18, 2:18])
    probe = LogisticRegression(max_iter=200).fit(features[train], labels[train])
    print(
        f"epoch {epoch}: contrastive loss {total:.3f} probe accuracy {probe.score(features[val], labels[val]):.3f}"
    )
