import logging
import sys

import numpy as np
import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

CONF = {
    "dataset_conf": {"batch_size": 24, "keywords": 6, "utterances": 720},
    "model": {"hidden_dim": 32, "num_layers": 1, "input_dim": 10},
    "optim_conf": {"lr": 0.02, "weight_decay": 1e-5},
    "max_epoch": 5,
    "grad_clip": 50.0,
}


def utterances(conf, dim):
    """Sequences of 15 to 25 frames; a keyword is a glide between two of the filters."""
    rng = np.random.default_rng(4)
    found = []
    for k in range(conf["utterances"]):
        label, length = k % conf["keywords"], int(rng.integers(15, 26))
        start, end = divmod(label, 3)
        path = np.linspace(2 + 4 * start, 1 + 3 * end, length)[:, None] + 0.3 * rng.standard_normal((length, 1))
        feats = np.exp(-0.5 * (np.arange(dim)[None] - path) ** 2) + 0.25 * rng.standard_normal((length, dim))
        found.append((f"utt{k:04d}", torch.tensor(feats, dtype=torch.float32), label))
    rng.shuffle(found)
    return found


def collate(batch):
    keys, feats, labels = zip(*batch)
    lengths = torch.tensor([len(f) for f in feats])
    return keys, pad_sequence(feats, batch_first=True), torch.tensor(labels), lengths


class KWSModel(nn.Module):
    def __init__(self, input_dim, hidden_dim, num_layers, output_dim):
        super().__init__()
        self.preprocessing = nn.Sequential(nn.Linear(input_dim, hidden_dim), nn.ReLU())
        self.backbone = nn.GRU(hidden_dim, hidden_dim, num_layers, batch_first=True)
        self.classifier = nn.Linear(hidden_dim, output_dim)

    def forward(self, feats, lengths):
        hidden, _ = self.backbone(self.preprocessing(feats))
        mask = (torch.arange(feats.size(1))[None] < lengths[:, None]).unsqueeze(-1)
        return self.classifier((hidden * mask).sum(1) / lengths[:, None])


class Executor:
    def __init__(self):
        self.step = 0

    def train(self, model, optimizer, data_loader, epoch, clip):
        model.train()
        for keys, feats, target, feats_lengths in data_loader:
            if feats.size(0) == 0:
                continue
            logits = model(feats, feats_lengths)
            loss = nn.functional.cross_entropy(logits, target)
            loss.backward()
            grad_norm = clip_grad_norm_(model.parameters(), clip)
            if torch.isfinite(grad_norm):
                optimizer.step()
            self.step += 1
        logging.info("TRAIN epoch %d step %d loss %.4f", epoch, self.step, loss.item())

    def cv(self, model, data_loader):
        model.eval()
        correct = count = 0
        with torch.no_grad():
            for _, feats, target, feats_lengths in data_loader:
                correct += (model(feats, feats_lengths).argmax(-1) == target).sum().item()
                count += len(target)
        return correct / count


def main():
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    torch.manual_seed(777)
    data = utterances(CONF["dataset_conf"], CONF["model"]["input_dim"])
    size = CONF["dataset_conf"]["batch_size"]
    train_loader = DataLoader(data[:600], batch_size=size, shuffle=True, collate_fn=collate)
    cv_loader = DataLoader(data[600:], batch_size=60, collate_fn=collate)
    model = KWSModel(output_dim=CONF["dataset_conf"]["keywords"], **CONF["model"])
    optimizer = torch.optim.Adam(model.parameters(), **CONF["optim_conf"])
    executor = Executor()
    for epoch in range(CONF["max_epoch"]):
        executor.train(model, optimizer, train_loader, epoch, CONF["grad_clip"])
        print(f"epoch {epoch} cv accuracy {executor.cv(model, cv_loader):.3f}")


main()
