"""A small CLIP: digits and generated captions in one space, symmetric contrastive loss with a learned temperature, zero-shot accuracy."""
import math

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(21)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
NUMBERS = "zero one two three four five six seven eight nine".split()
TEMPLATES = ["a picture of the digit {}", "the number {} written by hand", "{}", "someone wrote a {}", "handwritten {} in grey"]
VOCABULARY = {w: i + 1 for i, w in enumerate(sorted(set(" ".join(TEMPLATES).replace("{}", "").split()) | set(NUMBERS)))}


def encode(text, length=8):
    ids = [VOCABULARY[w] for w in text.split()]
    return torch.tensor(ids + [0] * (length - len(ids)))


class Pairs(Dataset):
    def __init__(self, images, labels):
        self.images, self.labels = images, labels

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        template = TEMPLATES[int(torch.randint(len(TEMPLATES), ()))]
        return self.images[i], encode(template.format(NUMBERS[self.labels[i]]))


class ImageEncoder(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2, padding=1),
                                 nn.BatchNorm2d(32), nn.ReLU(), nn.Flatten(), nn.Linear(32 * 16, dim))

    def forward(self, x):
        return F.normalize(self.net(x), dim=-1)


class TextEncoder(nn.Module):
    def __init__(self, dim=32, width=32):
        super().__init__()
        self.embed, self.position = nn.Embedding(len(VOCABULARY) + 1, width, padding_idx=0), nn.Parameter(0.02 * torch.randn(8, width))
        self.layer = nn.TransformerEncoderLayer(width, 2, 64, dropout=0.0, batch_first=True)
        self.project = nn.Linear(width, dim)

    def forward(self, ids):
        pad = ids == 0
        hidden = self.layer(self.embed(ids) + self.position, src_key_padding_mask=pad)
        pooled = hidden.masked_fill(pad[..., None], 0).sum(1) / (~pad).sum(1, keepdim=True)
        return F.normalize(self.project(pooled), dim=-1)


class CLIP(nn.Module):
    def __init__(self):
        super().__init__()
        self.image, self.text = ImageEncoder(), TextEncoder()
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def forward(self, images, ids):
        logits = self.logit_scale.exp().clamp(max=100) * self.image(images) @ self.text(ids).t()
        target = torch.arange(len(images), device=images.device)
        return (F.cross_entropy(logits, target) + F.cross_entropy(logits.t(), target)) / 2


x, y = load_digits(return_X_y=True)
x = torch.tensor(x, dtype=torch.float32).view(-1, 1, 8, 8) / 16
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.25, random_state=0)
loader = DataLoader(Pairs(x_train, y_train), batch_size=64, shuffle=True, drop_last=True)
model = CLIP().to(device)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
prompts = torch.stack([encode(f"a picture of the digit {n}") for n in NUMBERS]).to(device)
for epoch in range(15):
    model.train()
    total = 0.0
    for images, ids in loader:
        loss = model(images.to(device), ids.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    model.eval()
    with torch.no_grad():
        predicted = (model.image(x_test.to(device)) @ model.text(prompts).t()).argmax(1).cpu()
    accuracy = (predicted == torch.tensor(y_test)).float().mean().item()
    if epoch % 3 == 2:
        print(f"epoch {epoch + 1} loss {total / len(loader):.3f} zero-shot accuracy {accuracy:.3f} scale {model.logit_scale.exp().item():.1f}")
