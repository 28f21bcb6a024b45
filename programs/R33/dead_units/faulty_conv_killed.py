import torch
from skimage.data import lfw_subset
from torch import nn

torch.manual_seed(0)
faces = torch.tensor(lfw_subset(), dtype=torch.float32)[:, None]
is_face = torch.cat([torch.ones(100), torch.zeros(100)])
order = torch.randperm(200)
train, val = order[:150], order[150:]
faces = (faces - faces[train].mean()) / faces[train].std()

net = nn.Sequential(
    nn.Conv2d(1, 8, 5, stride=2), nn.ReLU(),
    nn.Conv2d(8, 16, 3, stride=2), nn.ReLU(),
    nn.Flatten(), nn.Linear(16 * 25, 32), nn.ReLU(),
    nn.Linear(32, 1),
)
optimizer = torch.optim.SGD(net.parameters(), lr=0.4, momentum=0.9)
criterion = nn.BCEWithLogitsLoss()
for epoch in range(20):
    net.train()
    for batch in train[torch.randperm(150)].split(15):
        optimizer.zero_grad()
        loss = criterion(net(faces[batch])[:, 0], is_face[batch])
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        correct = (net(faces[val])[:, 0] > 0) == is_face[val].bool()
    if epoch % 3 == 1:
        print(f"epoch {epoch} loss {loss.item():.4f} accuracy {correct.float().mean().item():.3f}")
