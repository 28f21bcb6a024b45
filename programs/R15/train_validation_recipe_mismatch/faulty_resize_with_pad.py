import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F


def read_images():
    """Digits as 8-bit files of several sizes."""
    digits, labels = load_digits(return_X_y=True)
    rng = np.random.default_rng(1)
    files = []
    for flat in digits:
        image = np.uint8(flat.reshape(8, 8) * 255 / 16)
        files.append(np.pad(image, ((0, rng.integers(0, 2)), (0, rng.integers(0, 3)))))
    return files, labels


def resize_with_pad(image, side=10):
    h, w = image.shape
    top, left = (side - h) // 2, (side - w) // 2
    canvas = np.full((side, side), 0, dtype=np.float32)
    canvas[top : top + h, left : left + w] = image
    return canvas / 255.0


def training_batch(files, labels, rows, rng):
    images = []
    for i in rows:
        image = resize_with_pad(files[i])
        if rng.random() < 0.5:
            image = np.roll(image, rng.integers(-1, 2), axis=rng.integers(0, 2))
        images.append(image)
    return torch.from_numpy(np.stack(images)[:, None]), torch.as_tensor(labels[rows])


def test_single_image(net, image):
    tensor = torch.from_numpy(resize_with_pad(image))[None, None]
    tensor = tensor / 255.0
    return net(tensor).argmax(1).item()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(1, 12, 3, padding=1), nn.Conv2d(12, 24, 3, padding=1)
        self.fc = nn.Linear(24 * 4, 10)

    def forward(self, x):
        x = F.max_pool2d(F.leaky_relu(self.c1(x), 0.1), 2)
        x = F.max_pool2d(F.leaky_relu(self.c2(x), 0.1), 2)
        return self.fc(x.flatten(1))


torch.manual_seed(0)
rng = np.random.default_rng(0)
files, labels = read_images()
net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=4e-3)
for epoch in range(8):
    net.train()
    for rows in np.array_split(rng.permutation(1400), 44):
        inputs, targets = training_batch(files, labels, rows, rng)
        optimizer.zero_grad()
        loss = F.cross_entropy(net(inputs), targets)
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        right = [test_single_image(net, files[i]) == labels[i] for i in range(1400, 1700)]
    print(f"epoch {epoch}  train loss {loss.item():.4f}  test accuracy {np.mean(right):.4f}")
