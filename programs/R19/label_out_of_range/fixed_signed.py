import torch
import torch.nn.functional as F
from skimage.data import lfw_subset
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(3)

images = torch.tensor(lfw_subset(), dtype=torch.float32).unsqueeze(1)
labels = torch.cat([torch.ones(100), torch.zeros(100)]).long()
order = torch.randperm(200)
images, labels = images[order], labels[order]
images = (images - images[:150].mean()) / images[:150].std()
loader = DataLoader(TensorDataset(images[:150], labels[:150]), batch_size=15, shuffle=True)


class FaceDetector(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 5)
        self.conv2 = nn.Conv2d(8, 16, 3)
        self.fc = nn.Linear(16 * 4 * 4, 2)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc(x.flatten(1))


model = FaceDetector()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(12):
    model.train()
    for x, y in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val_acc = (model(images[150:]).argmax(1) == labels[150:]).float().mean().item()
    print(f"epoch {epoch} loss={loss.item():.4f} val_acc={val_acc:.3f}")
