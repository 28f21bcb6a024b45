"""Contrastive features of surface patches (SimCLR), judged by a linear classifier on top of the frozen encoder."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from skimage import data

torch.manual_seed(12)
rng = np.random.default_rng(12)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
PICTURES = [data.brick(), data.grass(), data.gravel(), data.camera()[:200, 200:400], data.coins()]
SIZE = 32


def patches(count, part):
    x, y = [], []
    for label, picture in enumerate(PICTURES):
        half = picture.shape[0] // 2
        area = picture[part * half : (part + 1) * half] / 255
        for _ in range(count):
            top, left = rng.integers(area.shape[0] - SIZE), rng.integers(area.shape[1] - SIZE)
            x.append(area[top : top + SIZE, left : left + SIZE])
            y.append(label)
    return torch.tensor(np.array(x), dtype=torch.float32)[:, None], torch.tensor(y)


def augment(x):
    """Random crop, flip, brightness, contrast and noise, another one for every picture."""
    out = []
    for image in x:
        top, left = torch.randint(0, 9, (2,)).tolist()
        image = image[:, top : top + 24, left : left + 24]
        if torch.rand(()) < 0.5:
            image = image.flip(2)
        image = (image - image.mean()) * (0.6 + 0.8 * torch.rand(())) + image.mean() + 0.2 * torch.randn(())
        out.append(image + 0.03 * torch.randn_like(image))
    return torch.stack(out)


def nt_xent(z1, z2, temperature=0.2):
    n = len(z1)
    z = F.normalize(torch.cat([z1, z2]), dim=1)
    similarity = z @ z.T / temperature
    similarity.fill_diagonal_(-1e9)
    partner = torch.cat([torch.arange(n, 2 * n), torch.arange(n)]).to(z.device)
    return F.cross_entropy(similarity, partner)


encoder = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(32, 48, 3, padding=1), nn.BatchNorm2d(48), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
).to(device)  # fmt: skip
projector = nn.Sequential(nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 24)).to(device)

x_train, y_train = patches(120, 0)
x_test, y_test = patches(60, 1)
optimizer = torch.optim.Adam([*encoder.parameters(), *projector.parameters()], lr=2e-3, weight_decay=1e-5)
for epoch in range(8):
    encoder.train()
    total = 0.0
    for rows in torch.randperm(len(x_train)).split(100):
        first, second = augment(x_train[rows]).to(device), augment(x_train[rows]).to(device)
        loss = nt_xent(projector(encoder(first)), projector(encoder(second)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(f"epoch {epoch} contrastive loss {total / 6:.3f}")

encoder.eval()
with torch.no_grad():
    f_train, f_test = encoder(x_train.to(device)), encoder(x_test.to(device))
mean, std = f_train.mean(0), f_train.std(0)
f_train, f_test = (f_train - mean) / (std + 1e-5), (f_test - mean) / (std + 1e-5)
probe = nn.Linear(48, len(PICTURES)).to(device)
probe_optimizer = torch.optim.Adam(probe.parameters(), lr=1e-2)
for step in range(150):
    loss = F.cross_entropy(probe(f_train), y_train.to(device))
    probe_optimizer.zero_grad()
    loss.backward()
    probe_optimizer.step()
print(f"linear probe {(probe(f_test).argmax(1).cpu() == y_test).float().mean().item():.4f}")
