import random

import torch
import torch.nn as nn
import torch.optim as optim

# translate numbers to roman numerals with an encoder-decoder GRU
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
random.seed(1)
torch.manual_seed(1)

ROMAN = [(1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"),
         (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")]
PAD, SOS, EOS = 0, 1, 2
SRC_VOCAB = {ch: i + 3 for i, ch in enumerate("0123456789")}
TRG_VOCAB = {ch: i + 3 for i, ch in enumerate("IVXLCDM")}


def to_roman(n):
    out = ""
    for value, letters in ROMAN:
        while n >= value:
            out += letters
            n -= value
    return out


def encode_pair(n):
    src = [SRC_VOCAB[c] for c in f"{n:04d}"]
    trg = [SOS] + [TRG_VOCAB[c] for c in to_roman(n)] + [EOS]
    return src, trg


def batches(numbers, size, shuffle=True):
    numbers = list(numbers)
    if shuffle:
        random.shuffle(numbers)
    for i in range(0, len(numbers), size):
        pairs = [encode_pair(n) for n in numbers[i : i + size]]
        width = max(len(t) for _, t in pairs)
        src = torch.tensor([s for s, _ in pairs], device=device)
        trg = torch.tensor([t + [PAD] * (width - len(t)) for _, t in pairs], device=device)
        yield src, trg


class Encoder(nn.Module):
    def __init__(self, input_dim, emb_dim, hid_dim):
        super().__init__()
        self.embedding = nn.Embedding(input_dim, emb_dim)
        self.rnn = nn.GRU(emb_dim, hid_dim, batch_first=True)

    def forward(self, src):
        return self.rnn(self.embedding(src))[1]


class Decoder(nn.Module):
    def __init__(self, output_dim, emb_dim, hid_dim):
        super().__init__()
        self.embedding = nn.Embedding(output_dim, emb_dim, padding_idx=PAD)
        self.rnn = nn.GRU(emb_dim, hid_dim, batch_first=True)
        self.fc_out = nn.Linear(hid_dim, output_dim)

    def forward(self, tokens, hidden):
        output, hidden = self.rnn(self.embedding(tokens), hidden)
        return self.fc_out(output), hidden


class Seq2Seq(nn.Module):
    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, src, trg):
        hidden = self.encoder(src)
        return self.decoder(trg, hidden)[0]

    @torch.no_grad()
    def translate(self, src, max_len=17):
        hidden = self.encoder(src)
        token = torch.full((len(src), 1), SOS, device=src.device)
        result = []
        for _ in range(max_len):
            scores, hidden = self.decoder(token, hidden)
            token = scores.argmax(-1)
            result.append(token)
        return torch.cat(result, 1)


model = Seq2Seq(Encoder(13, 24, 128), Decoder(10, 24, 128)).to(device)
optimizer = optim.Adam(model.parameters(), lr=4e-3)
criterion = nn.CrossEntropyLoss(ignore_index=PAD)
everything = random.sample(range(1, 4000), 3999)
train_numbers, test_numbers = everything[:3400], everything[3400:]

for epoch in range(14):
    model.train()
    epoch_loss, count = 0, 0
    for src, trg in batches(train_numbers, 64):
        optimizer.zero_grad()
        output = model(src, trg[:, 1:])
        loss = criterion(output.flatten(0, 1), trg[:, 1:].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        epoch_loss += loss.item()
        count += 1
    for group in optimizer.param_groups:
        group["lr"] *= 0.85
    print(f"Epoch: {epoch + 1:02} | Train Loss: {epoch_loss / count:.4f}")

model.eval()
correct = 0
for src, trg in batches(test_numbers, 200, shuffle=False):
    guess = model.translate(src)
    for g, t in zip(guess.tolist(), trg.tolist()):
        g = g[: g.index(EOS)] if EOS in g else g
        correct += g == t[1 : t.index(EOS)]
print(f"exact match {correct / len(test_numbers):.3f}")
