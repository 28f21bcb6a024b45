"""Which of four photographs does a patch come from? A perceptron on colour patches."""
import numpy as np
import torch
from skimage import data
from torch import nn

photos = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket()]
patches, labels = [], []
for number, photo in enumerate(photos):
    for top in range(0, 288, 12):
        for left in range(0, 384, 12):
            patches.append(photo[top:top + 12, left:left + 12])
            labels.append(number)
x = torch.tensor(np.stack(patches)).float().flatten(1) / 127.5 - 1
y = torch.tensor(labels)

torch.manual_seed(3)
order = torch.randperm(len(y))
test, pool = order[:800], order[800:]
train = pool[:100]
model = nn.Sequential(nn.Linear(432, 64), nn.ReLU(), nn.Linear(64, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
batch = 20
for epoch in range(20):
    shuffled = train[torch.randperm(len(train))]
    for start in range(0, len(shuffled), batch):
        rows = shuffled[start:start + batch]
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = (model(x[test]).argmax(1) == y[test]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f} test accuracy {accuracy:.3f}")
