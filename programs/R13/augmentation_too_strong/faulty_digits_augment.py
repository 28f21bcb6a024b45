import numpy as np
import torch
from scipy.ndimage import rotate
from skimage.transform import resize
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(9)
np.random.seed(9)

AUG = dict(max_angle=180, noise=0.4, erase=5, flip=True, p=1.0)


class AugmentedDigits(Dataset):
    def __init__(self, images, labels, aug=None):
        self.images, self.labels, self.aug = images.astype(np.float32) / 16.0, labels, aug

    def __len__(self):
        return len(self.labels)

    def transform(self, img):
        a = self.aug
        if np.random.rand() > a["p"]:
            return img
        img = rotate(img, np.random.uniform(-a["max_angle"], a["max_angle"]), reshape=False, order=1)
        if a["flip"]:
            if np.random.rand() < 0.5:
                img = img[:, ::-1]
            if np.random.rand() < 0.5:
                img = img[::-1]
        img = img + np.random.normal(0, a["noise"], img.shape)
        if a["erase"]:
            r, c = np.random.randint(0, 12 - a["erase"], 2)
            img = img.copy()
            img[r:r + a["erase"], c:c + a["erase"]] = 0
        return img

    def __getitem__(self, i):
        img = self.images[i]
        if self.aug:
            img = self.transform(img)
        return torch.tensor(np.ascontiguousarray(img), dtype=torch.float32)[None], self.labels[i]


digits = load_digits()
big = np.stack([resize(im, (12, 12), order=1) for im in digits.images])
xa, xb, ya, yb = train_test_split(big, digits.target, test_size=0.3, random_state=9, stratify=digits.target)
train_dl = DataLoader(AugmentedDigits(xa, ya, AUG), batch_size=64, shuffle=True)
valid_dl = DataLoader(AugmentedDigits(xb, yb), batch_size=256)

model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * 9, 64), nn.ReLU(), nn.Linear(64, 10))
opt = torch.optim.Adam(model.parameters(), lr=2e-3)

for epoch in range(15):
    model.train()
    tl, ta = 0.0, 0
    for x, y in train_dl:
        out = model(x)
        loss = nn.functional.cross_entropy(out, y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        tl += loss.item() * len(y)
        ta += (out.argmax(1) == y).sum().item()
    model.eval()
    with torch.no_grad():
        va = sum((model(x).argmax(1) == y).sum().item() for x, y in valid_dl) / len(yb)
    print(f"epoch {epoch} train_loss {tl / len(ya):.3f} train_acc {ta / len(ya):.3f} valid_acc {va:.3f}")
