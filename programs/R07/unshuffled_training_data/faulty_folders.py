import numpy as np
import torch
from skimage import data
from torch import nn
from torch.utils.data import ConcatDataset, DataLoader, Dataset

torch.manual_seed(3)


class TextureClass(Dataset):
    """All patches of one texture, as a folder of one class."""

    def __init__(self, name, label, first, last):
        image = getattr(data, name)().astype("float32") / 255
        corners = [(r, c) for r in range(first, last - 24, 24) for c in range(0, 488, 24)]
        self.patches = [image[r : r + 24, c : c + 24] for r, c in corners]
        self.label = label

    def __len__(self):
        return len(self.patches)

    def __getitem__(self, i):
        p = self.patches[i]
        return torch.from_numpy((p - p.mean()) / (p.std() + 1e-3))[None], self.label


classes = ["brick", "grass", "gravel", "text"][:3]
train_set = ConcatDataset([TextureClass(name, k, 0, 360) for k, name in enumerate(classes)])
val_set = ConcatDataset([TextureClass(name, k, 360, 512) for k, name in enumerate(classes)])
train_loader = DataLoader(train_set, batch_size=20, drop_last=True)
val_loader = DataLoader(val_set, batch_size=60)

net = nn.Sequential(
    nn.Conv2d(1, 16, 5, stride=2), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2), nn.ReLU(),
    nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(128, 3),
)  # fmt: skip
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
loss_function = nn.CrossEntropyLoss()

for epoch in range(8):
    net.train()
    running_loss = 0.0
    for images, labels in train_loader:
        optimizer.zero_grad()
        outputs = net(images)
        loss = loss_function(outputs, labels)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
    net.eval()
    acc = 0.0
    with torch.no_grad():
        for images, labels in val_loader:
            acc += torch.eq(torch.max(net(images), dim=1)[1], labels).sum().item()
    print("[epoch %d] train_loss: %.3f  val_accuracy: %.3f" % (epoch + 1, running_loss / len(train_loader), acc / len(val_set)))
print("Finished Training")
