"""Sequence to sequence with nn.Transformer: sorts a row of letters; trained on whole targets, tested by writing letter by letter."""
import torch
from torch import nn

torch.manual_seed(0)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
LETTERS, SOS, EOS, LENGTH = 12, 12, 13, 7


def batch(size):
    source = torch.randint(LETTERS, (size, LENGTH))
    ordered = source.sort(1).values
    edge = torch.ones(size, 1, dtype=torch.long)
    return source.to(device), torch.cat([edge * SOS, ordered, edge * EOS], 1).to(device)


class Translator(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.embedding = nn.Embedding(14, width)
        self.position = nn.Parameter(torch.randn(LENGTH + 2, width) * 0.1)
        self.transformer = nn.Transformer(width, 4, num_encoder_layers=1, num_decoder_layers=1, dim_feedforward=128, dropout=0.0,
                                          batch_first=True)
        self.generator = nn.Linear(width, 14)

    def embed(self, tokens):
        return self.embedding(tokens) + self.position[:tokens.shape[1]]

    def forward(self, source, target):
        causal = nn.Transformer.generate_square_subsequent_mask(target.shape[1], device=target.device)
        hidden = self.transformer(self.embed(source), self.embed(target), tgt_mask=causal)
        return self.generator(hidden)


@torch.no_grad()
def translate(model, source):
    model.eval()
    written = torch.full((len(source), 1), SOS, device=device)
    for _ in range(LENGTH + 1):
        written = torch.cat([written, model(source, written)[:, -1].argmax(1, keepdim=True)], 1)
    model.train()
    return written


model = Translator().to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
criterion = nn.CrossEntropyLoss()
test_source, test_target = batch(400)
for step in range(1, 1201):
    source, target = batch(64)
    logits = model(source, target[:, :-1])
    loss = criterion(logits.flatten(0, 1), target[:, 1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 200 == 0:
        exact = (translate(model, test_source) == test_target).all(1).float().mean().item()
        print(f"step {step}: loss {loss.item():.4f}, rows sorted without a mistake {exact:.3f}")
