"""A recurrent language model that keeps its state from window to window, read in order, without shuffling."""
import argparse
import textwrap

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--bptt", type=int, default=20)
parser.add_argument("--batch", type=int, default=16)
parser.add_argument("--clip", type=float, default=0.25)
args = parser.parse_args()
torch.manual_seed(0)
raw = open(textwrap.__file__, encoding="utf-8").read()
vocab = {c: i for i, c in enumerate(sorted(set(raw)))}
ids = torch.tensor([vocab[c] for c in raw])
columns = len(ids) // args.batch
corpus = ids[: columns * args.batch].view(args.batch, columns).t().contiguous()


class RNNModel(nn.Module):
    def __init__(self, ntoken, ninp=48, nhid=96):
        super().__init__()
        self.drop = nn.Dropout(0.1)
        self.encoder = nn.Embedding(ntoken, ninp)
        self.rnn = nn.LSTM(ninp, nhid)
        self.decoder = nn.Linear(nhid, ntoken)

    def forward(self, tokens, hidden):
        out, hidden = self.rnn(self.drop(self.encoder(tokens)), hidden)
        return self.decoder(self.drop(out)), hidden


model = RNNModel(len(vocab))
lr = 20.0
for epoch in range(4):
    model.train()
    hidden, total, count = None, 0.0, 0
    for i in range(0, columns - 1, args.bptt):
        n = min(args.bptt, columns - 1 - i)
        data, targets = corpus[i : i + n], corpus[i + 1 : i + 1 + n].reshape(-1)
        if hidden is not None:
            hidden = tuple(h.detach() for h in hidden)
        model.zero_grad()
        output, hidden = model(data, hidden)
        loss = nn.functional.cross_entropy(output.reshape(-1, len(vocab)), targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), args.clip)
        with torch.no_grad():
            for p in model.parameters():
                p.add_(p.grad, alpha=-lr)
        total, count = total + loss.item(), count + 1
    print(f"| end of epoch {epoch} | train loss {total / count:.3f}")
