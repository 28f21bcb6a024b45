"""Translates written dates to ISO form: GRU encoder and decoder, additive attention, scheduled teacher forcing."""
import datetime
import random

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

random.seed(0)
torch.manual_seed(0)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
FORMATS = ["%d %B %Y", "%B %d, %Y", "%d %b %y", "%A, %d %b %Y", "%d.%m.%Y", "%b %d %Y"]
PAD, SOS, EOS = 0, 1, 2


def make(count):
    pairs = []
    for _ in range(count):
        day = datetime.date(1970, 1, 1) + datetime.timedelta(days=random.randrange(20000))
        pairs.append((day.strftime(random.choice(FORMATS)).lower(), day.isoformat()))
    return pairs


train, valid = make(3000), make(300)
characters = sorted(set("".join(a + b for a, b in train)))
stoi = {character: i + 3 for i, character in enumerate(characters)}
itos = {i: character for character, i in stoi.items()}
vocabulary = len(stoi) + 3


def collate(batch):
    sources = [torch.tensor([stoi[c] for c in a]) for a, _ in batch]
    targets = [torch.tensor([SOS] + [stoi[c] for c in b] + [EOS]) for _, b in batch]
    return pad_sequence(sources, True, PAD), torch.tensor([len(s) for s in sources]), pad_sequence(targets, True, PAD)


class Encoder(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, 32, padding_idx=PAD)
        self.rnn = nn.GRU(32, width, bidirectional=True, batch_first=True)
        self.bridge = nn.Linear(2 * width, width)

    def forward(self, source, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(self.embedding(source), lengths, batch_first=True, enforce_sorted=False)
        outputs, hidden = self.rnn(packed)
        outputs, _ = nn.utils.rnn.pad_packed_sequence(outputs, batch_first=True)
        return outputs, torch.tanh(self.bridge(torch.cat([hidden[0], hidden[1]], 1)))


class Attention(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.w = nn.Linear(3 * width, width)
        self.v = nn.Linear(width, 1, bias=False)

    def forward(self, hidden, outputs, mask):
        query = hidden.unsqueeze(1).expand(-1, outputs.shape[1], -1)
        energy = self.v(torch.tanh(self.w(torch.cat([query, outputs], 2)))).squeeze(2)
        weights = energy.masked_fill(~mask, -1e9).softmax(1)
        return torch.bmm(weights.unsqueeze(1), outputs).squeeze(1)


class Seq2Seq(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.encoder, self.attention = Encoder(width), Attention(width)
        self.embedding = nn.Embedding(vocabulary, 32)
        self.cell = nn.GRUCell(32 + 2 * width, width)
        self.out = nn.Linear(3 * width + 32, vocabulary)

    def forward(self, source, lengths, target, forcing):
        outputs, hidden = self.encoder(source, lengths)
        mask = source != PAD
        token, logits = target[:, 0], []
        for t in range(1, target.shape[1]):
            embedded = self.embedding(token)
            context = self.attention(hidden, outputs, mask)
            hidden = self.cell(torch.cat([embedded, context], 1), hidden)
            logits.append(self.out(torch.cat([hidden, context, embedded], 1)))
            token = target[:, t] if random.random() < forcing else logits[-1].argmax(1)
        return torch.stack(logits, 1)


loader = DataLoader(train, batch_size=64, shuffle=True, collate_fn=collate)
source, lengths, target = collate(valid)
model = Seq2Seq().to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(5):
    model.train()
    forcing = max(0.5, 1.0 - 0.12 * epoch)
    for a, n, b in loader:
        logits = model(a.to(device), n, b.to(device), forcing)
        loss = F.cross_entropy(logits.flatten(0, 1), b[:, 1:].flatten().to(device), ignore_index=PAD)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.eval()
    with torch.no_grad():
        predicted = model(source.to(device), lengths, target.to(device), forcing=0.0).argmax(2).cpu()
    exact = (predicted == target[:, 1:]).all(1).float().mean().item()
    print(f"epoch {epoch + 1} loss {loss.item():.4f} exact {exact:.3f}", "".join(itos.get(i, "") for i in predicted[0].tolist()))
