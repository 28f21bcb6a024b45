"""Tag every character of Python source: comment, string, number, name, operator or space."""
import io
import json.decoder
import tokenize

import torch
from torch import nn

torch.manual_seed(10)
KINDS = {tokenize.COMMENT: 1, tokenize.STRING: 2, tokenize.NUMBER: 3, tokenize.NAME: 4, tokenize.OP: 5}
WINDOW = 40


def tagged_source():
    codes, tags = [], []
    for module in (json.decoder, tokenize):
        text = open(module.__file__).read()
        first = [0]
        for line in text.splitlines(keepends=True):
            first.append(first[-1] + len(line))
        kinds = [0] * len(text)
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type in KINDS:
                begin, end = first[token.start[0] - 1] + token.start[1], first[token.end[0] - 1] + token.end[1]
                kinds[begin:end] = [KINDS[token.type]] * (end - begin)
        codes += [min(ord(char), 127) for char in text]
        tags += kinds
    return torch.tensor(codes), torch.tensor(tags)


class Tagger(nn.Module):
    def __init__(self, dim=32, kinds=6):
        super().__init__()
        self.embedding = nn.Embedding(128, dim)
        self.rnn = nn.LSTM(dim, dim, batch_first=True, bidirectional=True)
        self.output = nn.Linear(2 * dim, kinds)

    def forward(self, characters):
        hidden, _ = self.rnn(self.embedding(characters))
        return torch.log_softmax(self.output(hidden), dim=1)


codes, tags = tagged_source()
count = len(codes) // WINDOW
codes, tags = codes[: count * WINDOW].view(count, WINDOW), tags[: count * WINDOW].view(count, WINDOW)
order = torch.randperm(count)
train, test = order[: int(0.85 * count)], order[int(0.85 * count) :]
model = Tagger()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
criterion = nn.NLLLoss()
for epoch in range(5):
    for rows in train[torch.randperm(len(train))].split(32):
        log_probabilities = model(codes[rows])
        loss = criterion(log_probabilities.transpose(1, 2), tags[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = (model(codes[test]).argmax(-1) == tags[test]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} tag accuracy {accuracy:.4f}")
