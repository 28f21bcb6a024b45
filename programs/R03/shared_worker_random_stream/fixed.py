"""Character model whose dataset draws random windows of the text in two worker processes."""
import inspect
import textwrap

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

text = inspect.getsource(textwrap)
alphabet = sorted(set(text))
tokens = torch.tensor([alphabet.index(c) for c in text])


class RandomWindows(Dataset):
    def __init__(self, tokens, size, length=32):
        self.tokens, self.size, self.length = tokens, size, length

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        start = torch.randint(len(self.tokens) - self.length - 1, ()).item()
        window = self.tokens[start : start + self.length + 1]
        return window[:-1], window[1:]


class CharGRU(nn.Module):
    def __init__(self, size=64):
        super().__init__()
        self.embed = nn.Embedding(len(alphabet), size)
        self.gru = nn.GRU(size, size, batch_first=True)
        self.out = nn.Linear(size, len(alphabet))

    def forward(self, x):
        return self.out(self.gru(self.embed(x))[0]).transpose(1, 2)


def main():
    torch.manual_seed(0)
    loader = DataLoader(RandomWindows(tokens[:-4000], 160), batch_size=16, num_workers=2)
    val = tokens[-4000:].unfold(0, 33, 33)
    model = CharGRU()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(16):
        model.train()
        for x, y in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        if epoch % 3 == 0:
            model.eval()
            with torch.no_grad():
                val_loss = nn.functional.cross_entropy(model(val[:, :-1]), val[:, 1:]).item()
            print(f"epoch {epoch}: loss {loss.item():.3f} val loss {val_loss:.3f}")


if __name__ == "__main__":
    main()
