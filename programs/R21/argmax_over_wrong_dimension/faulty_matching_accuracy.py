"""Pictures and captions, brought together in one space: which caption of the batch belongs to the picture?"""
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

COLOURS = {"red": (1, 0.1, 0.1), "green": (0.1, 0.8, 0.2), "blue": (0.1, 0.2, 1), "yellow": (1, 0.9, 0.1), "white": (1, 1, 1)}
SHAPES = ("square", "disc", "cross", "bar")
PLACES = ("left", "right", "top", "bottom")
WORDS = {word: number for number, word in enumerate(["a", "at", "the", *COLOURS, *SHAPES, *PLACES])}


def draw(colour, shape, place, rng):
    picture = rng.normal(0.2, 0.08, (3, 20, 20))
    y, x = {"left": (10, 5), "right": (10, 15), "top": (5, 10), "bottom": (15, 10)}[place]
    y, x = y + rng.integers(-1, 2), x + rng.integers(-1, 2)
    rows, columns = np.mgrid[:20, :20]
    dy, dx = abs(rows - y), abs(columns - x)
    mask = {"square": (dy < 4) & (dx < 4), "disc": dy**2 + dx**2 < 15, "cross": ((dy < 2) | (dx < 2)) & (dy < 5) & (dx < 5),
            "bar": (dy < 2) & (dx < 5)}[shape]
    picture[:, mask] = np.array(COLOURS[colour])[:, None] + rng.normal(0, 0.08, (3, mask.sum()))
    return picture.astype(np.float32)


def pairs(batches, size, seed):
    """Every caption of a batch is another one."""
    rng = np.random.default_rng(seed)
    kinds = [(c, s, p) for c in COLOURS for s in SHAPES for p in PLACES]
    for _ in range(batches):
        chosen = [kinds[i] for i in rng.choice(len(kinds), size, replace=False)]
        pictures = np.stack([draw(*kind, rng) for kind in chosen])
        captions = [[WORDS[word] for word in f"a {c} {s} at the {p}".split()] for c, s, p in chosen]
        yield torch.from_numpy(pictures), torch.tensor(captions)


class CLIPWrapper(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.image_encoder = nn.Sequential(
            nn.Conv2d(3, 16, 3, 2, 1), nn.GELU(), nn.Conv2d(16, 32, 3, 2, 1), nn.GELU(), nn.Flatten(), nn.Linear(800, dim))
        self.tokens = nn.Embedding(len(WORDS), 32)
        self.text_encoder = nn.Sequential(nn.Flatten(), nn.Linear(6 * 32, 64), nn.GELU(), nn.Linear(64, dim))
        self.logit_scale = nn.Parameter(torch.tensor(np.log(1 / 0.1), dtype=torch.float32))

    def forward(self, pictures, captions):
        image = F.normalize(self.image_encoder(pictures), dim=1)
        text = F.normalize(self.text_encoder(self.tokens(captions)), dim=1)
        return image @ text.t() * self.logit_scale.exp()

    def training_step(self, batch):
        image_logits = self(*batch)
        ground_truth = torch.arange(len(image_logits))
        loss = (F.cross_entropy(image_logits, ground_truth) + F.cross_entropy(image_logits.t(), ground_truth)) / 2
        acc_i = (torch.argmax(image_logits) == ground_truth).sum()
        acc_t = (torch.argmax(image_logits.t()) == ground_truth).sum()
        return loss, (acc_i + acc_t) / 2 / len(image_logits)

    @torch.no_grad()
    def validation_step(self, batch):
        image_logits = self(*batch)
        ground_truth = torch.arange(len(image_logits))
        acc_i = (torch.argmax(image_logits) == ground_truth).sum()
        acc_t = (torch.argmax(image_logits.t()) == ground_truth).sum()
        return ((acc_i + acc_t) / 2 / len(image_logits)).item()


torch.manual_seed(9)
model = CLIPWrapper()
optimizer = torch.optim.AdamW(model.parameters(), lr=1.5e-3, weight_decay=1e-3)
train, val = list(pairs(60, 32, 1)), list(pairs(10, 32, 2))
for epoch in range(8):
    for number in torch.randperm(len(train)).tolist():
        loss, acc = model.training_step(train[number])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.4f} acc {acc.item():.4f} val_acc {np.mean([model.validation_step(b) for b in val]):.4f}")
