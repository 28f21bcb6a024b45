"""Phones from cepstral features, normalized for every utterance; a recurrent network labels each frame."""
import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

PHONES, DIMS = 8, 13


def feature_cmvn(feature):
    """Mean and variance of every coefficient over the utterance become 0 and 1."""
    frames = feature.shape[0]
    spk_sum = np.sum(feature, axis=0)
    spk_mean = spk_sum / frames
    spk_std = np.sqrt(np.sum(feature * feature, axis=0) / frames - spk_mean * spk_mean)
    return (feature - spk_mean) / spk_std


def utterance(rng, prototypes):
    feature, labels = [], []
    for _ in range(rng.integers(4, 9)):
        phone, length = rng.integers(PHONES), rng.integers(3, 8)
        feature.append(prototypes[phone] + 0.7 * rng.normal(size=(length, DIMS)))
        labels += [phone] * length
    feature = np.concatenate(feature)
    feature[:, 0] += rng.uniform(250, 420)
    if rng.random() < 0.03:
        feature[:, -1] = 11.3
    return feature.astype(np.float32), np.array(labels)


def corpus(count, seed):
    prototypes = np.random.default_rng(0).normal(size=(PHONES, DIMS)) * 1.1
    prototypes[:, 0] *= 0.05
    rng = np.random.default_rng(seed)
    items = []
    for _ in range(count):
        feature, labels = utterance(rng, prototypes)
        items.append((torch.from_numpy(feature_cmvn(feature)), torch.from_numpy(labels)))
    return items


def batches(items, size, rng=None):
    order = np.arange(len(items)) if rng is None else rng.permutation(len(items))
    for start in range(0, len(order), size):
        chosen = [items[i] for i in order[start:start + size]]
        x = pad_sequence([feature for feature, _ in chosen], batch_first=True)
        y = pad_sequence([labels for _, labels in chosen], batch_first=True, padding_value=-100)
        yield x.float(), y


class PhoneModel(nn.Module):
    def __init__(self, hidden=40):
        super().__init__()
        self.blstm = nn.LSTM(DIMS, hidden, bidirectional=True, batch_first=True)
        self.phone_layer = nn.Linear(2 * hidden, PHONES)

    def forward(self, x):
        return self.phone_layer(self.blstm(x)[0])


torch.manual_seed(1)
rng = np.random.default_rng(1)
train, dev = corpus(500, 10), corpus(120, 11)
model = PhoneModel()
optimizer = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9)
for epoch in range(5):
    for x, y in batches(train, 16, rng):
        loss = nn.functional.cross_entropy(model(x).flatten(0, 1), y.flatten(), ignore_index=-100)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    with torch.no_grad():
        scores = [nn.functional.cross_entropy(model(x).flatten(0, 1), y.flatten()).item() for x, y in batches(dev, 40)]
    print(f"epoch {epoch} train {loss.item():.3f} dev {np.mean(scores):.3f}")
