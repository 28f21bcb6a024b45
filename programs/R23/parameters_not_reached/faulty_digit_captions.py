import numpy as np
import torch
from torch import nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.manual_seed(7)
np.random.seed(7)

WORDS = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine']
TEMPLATES = ['a scan of the digit {}', 'somebody wrote {} here', 'the number {} in black ink',
             'handwritten {}', 'this is a {}']
vocab = {'<pad>': 0}
for t in TEMPLATES:
    for w in t.replace('{}', '').split():
        vocab.setdefault(w, len(vocab))
for w in WORDS:
    vocab.setdefault(w, len(vocab))


def tokenize(text, length=8):
    ids = [vocab[w] for w in text.split()]
    return ids + [0] * (length - len(ids))


digits = load_digits()
images = torch.tensor(digits.images / 8.0 - 1.0, dtype=torch.float32).unsqueeze(1)
labels = digits.target
train_idx, test_idx = train_test_split(np.arange(len(labels)), test_size=0.25, random_state=7, stratify=labels)


class ImageEncoder(nn.Module):
    def __init__(self, dim=6):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                                  nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.norm = nn.Linear(32 * 4, dim)

    def forward(self, x):
        return self.norm(self.stem(x).flatten(1))


class Extractor(nn.Module):
    def __init__(self, net, layer_name='norm'):
        super().__init__()
        self.net = net
        self.latents = None
        self.hook_registered = False
        self.layer_name = layer_name

    def _hook(self, _, inputs, output):
        self.latents = output.clone().detach()

    def forward(self, img):
        if not self.hook_registered:
            getattr(self.net, self.layer_name).register_forward_hook(self._hook)
            self.hook_registered = True
        self.net(img)
        return self.latents


class CaptionModel(nn.Module):
    def __init__(self, image_encoder, dim=6):
        super().__init__()
        self.extractor = Extractor(image_encoder)
        self.tokens = nn.Embedding(len(vocab), 24, padding_idx=0)
        self.to_text = nn.Sequential(nn.Linear(24, 48), nn.GELU(), nn.Linear(48, dim))
        self.temperature = nn.Parameter(torch.tensor(1.5))

    def embed_text(self, ids):
        mask = (ids != 0).float().unsqueeze(-1)
        pooled = (self.tokens(ids) * mask).sum(1) / mask.sum(1)
        return F.normalize(self.to_text(pooled), dim=-1)

    def embed_image(self, images):
        emb = self.extractor(images)
        return F.normalize(emb, dim=-1)

    def forward(self, ids, images):
        t, v = self.embed_text(ids), self.embed_image(images)
        sim = t @ v.T * self.temperature.exp()
        same = (ids.unsqueeze(1) == ids.unsqueeze(0)).all(-1).float()
        same = same / same.sum(1, keepdim=True)
        return 0.5 * (F.cross_entropy(sim, same) + F.cross_entropy(sim.T, same))


def zero_shot(model):
    model.eval()
    with torch.no_grad():
        ids = torch.tensor([tokenize('a scan of the digit ' + w) for w in WORDS])
        sim = model.embed_image(images[test_idx]) @ model.embed_text(ids).T
    return (sim.argmax(1).numpy() == labels[test_idx]).mean()


model = CaptionModel(ImageEncoder())
opt = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=1e-3)

for epoch in range(25):
    model.train()
    order = np.random.permutation(train_idx)
    losses = []
    for i in range(0, len(order), 64):
        idx = order[i:i + 64]
        texts = [np.random.choice(TEMPLATES[:1] if np.random.rand() < 0.5 else TEMPLATES).format(WORDS[labels[j]]) for j in idx]
        ids = torch.tensor([tokenize(t) for t in texts])
        loss = model(ids, images[idx])
        loss.backward()
        opt.step()
        opt.zero_grad()
        losses.append(loss.item())
    if epoch % 4 == 0:
        print(f'epoch {epoch}: loss {np.mean(losses):.3f} zero-shot accuracy {zero_shot(model):.3f}')

print(f'final zero-shot test accuracy: {zero_shot(model):.3f}')
