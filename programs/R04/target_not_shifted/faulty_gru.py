import textwrap

import torch
from torch.utils.data import DataLoader, Dataset


class Windows(Dataset):
    def __init__(self, text, length):
        self.vocabulary = {c: i for i, c in enumerate(sorted(set(text)))}
        self.codes = [self.vocabulary[c] for c in text]
        self.length = length

    def __len__(self):
        return (len(self.codes) - 1) // self.length

    def __getitem__(self, index):
        start = index * self.length
        chunk = torch.tensor(self.codes[start : start + self.length + 1])
        return chunk[: self.length], chunk[: self.length]


class CharModel(torch.nn.Module):
    def __init__(self, size):
        super().__init__()
        self.embedding = torch.nn.Embedding(size, 32)
        self.gru = torch.nn.GRU(32, 96, batch_first=True)
        self.output = torch.nn.Linear(96, size)

    def forward(self, x):
        states, _ = self.gru(self.embedding(x))
        return self.output(states)


def main():
    torch.manual_seed(0)
    dataset = Windows(open(textwrap.__file__).read(), 40)
    model = CharModel(len(dataset.vocabulary))
    loader = DataLoader(dataset, batch_size=16, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    criterion = torch.nn.CrossEntropyLoss()
    for epoch in range(6):
        total = 0.0
        for x, y in loader:
            logits = model(x)
            loss = criterion(logits.permute(0, 2, 1), y)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch}: {total / len(loader):.3f}")
    codes = torch.tensor(dataset.codes[:2001])
    with torch.no_grad():
        guess = model(codes[None, :-1]).argmax(-1)[0]
    print(f"next characters right: {(guess == codes[1:]).float().mean():.3f}")


main()
