import os
import string

import torch
from torch import nn

torch.manual_seed(0)
with open(string.__file__, encoding="utf-8") as f:
    text = f.read()
with open(os.__file__, encoding="utf-8") as f:
    text += f.read()[:30000]
chars = sorted(set(text))
stoi = {c: i for i, c in enumerate(chars)}
data = torch.tensor([stoi[c] for c in text])
T, D = 24, 64
cut = len(data) - 4000
train_data, val_data = data[:cut], data[cut:]


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, max_len=64):
        super().__init__()
        pos = torch.arange(max_len).unsqueeze(1)
        div = torch.exp(torch.arange(0, d_model, 2) * (-torch.log(torch.tensor(10000.0)) / d_model))
        pe = torch.zeros(1, max_len, d_model)
        pe[0, :, 0::2], pe[0, :, 1::2] = torch.sin(pos * div), torch.cos(pos * div)
        self.register_buffer("pe", pe)

    def forward(self, x):
        return x + self.pe[:, : x.size(1)]


class TransformerModel(nn.Module):
    def __init__(self, ntoken, d_model, nhead, d_hid, nlayers):
        super().__init__()
        self.embedding = nn.Embedding(ntoken, d_model)
        self.pos_encoder = PositionalEncoding(d_model)
        layer = nn.TransformerEncoderLayer(d_model, nhead, d_hid, dropout=0.0, batch_first=True)
        self.transformer_encoder = nn.TransformerEncoder(layer, nlayers)
        self.decoder = nn.Linear(d_model, ntoken)

    def forward(self, src):
        h = self.pos_encoder(self.embedding(src) * 8)
        h = self.transformer_encoder(h)
        return self.decoder(h)


model = TransformerModel(len(chars), D, 2, 128, 1)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
model.train()
for step in range(1, 301):
    start = torch.randint(0, len(train_data) - T - 1, (32,))
    src = torch.stack([train_data[s : s + T] for s in start])
    tgt = torch.stack([train_data[s + 1 : s + T + 1] for s in start])
    output = model(src)
    loss = criterion(output.reshape(-1, len(chars)), tgt.reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(f"| step {step:3d} | loss {loss.item():5.3f} |")

model.eval()
with torch.no_grad():
    starts = torch.randint(0, len(val_data) - T - 1, (500,))
    context = torch.stack([val_data[s : s + T // 2] for s in starts])
    nxt = torch.stack([val_data[s + T // 2] for s in starts])
    predicted = model(context)[:, -1].argmax(-1)
print(f"next character right, from the past alone: {(predicted == nxt).float().mean():.3f}")
