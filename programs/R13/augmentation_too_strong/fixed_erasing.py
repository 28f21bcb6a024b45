import torch
from skimage import data
from torch import nn

torch.manual_seed(1)


def random_erase(batch, side):
    batch = batch.clone()
    for image in batch:
        top, left = torch.randint(0, 17 - side, (2,)).tolist()
        image[:, top : top + side, left : left + side] = 0
    return batch


def augment(batch):
    if torch.rand(()) < 0.5:
        batch = batch.flip(-1)
    return random_erase(batch, side=4) * torch.empty(len(batch), 1, 1, 1).uniform_(0.9, 1.1)


tiles = [torch.tensor(image).unfold(0, 16, 16).unfold(1, 16, 16).reshape(-1, 1, 16, 16).float()[::3]
         for image in (data.brick(), data.grass(), data.gravel(), data.camera())]
images, labels = torch.cat(tiles), torch.arange(4).repeat_interleave(len(tiles[0]))
order = torch.randperm(len(images))
train, val = order[:1000], order[1000:]
images = (images - images[train].mean()) / images[train].std()

model = nn.Sequential(nn.Conv2d(1, 16, 3, stride=2), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 32, 3),
                      nn.BatchNorm2d(32), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 4))
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
for epoch in range(10):
    model.train()
    for rows in train[torch.randperm(1000)].split(40):
        loss = nn.functional.cross_entropy(model(augment(images[rows])), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(images[val]).argmax(1) == labels[val]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f}, val accuracy {accuracy:.3f}")
