"""Is a string of brackets balanced? A transformer encoder as recogniser."""
import random
from typing import Iterator

import torch
from torch import nn

PAIRS = {"(": ")", "[": "]"}
ALPHABET = ["<pad>", "<cls>", "(", ")", "[", "]"]
INDEX = {c: i for i, c in enumerate(ALPHABET)}
MAX_LEN = 18


def grow(n_pairs: int, rng: random.Random) -> str:
    if n_pairs == 0:
        return ""
    inside = rng.randint(0, n_pairs - 1)
    kind = rng.choice("([")
    return kind + grow(inside, rng) + PAIRS[kind] + grow(n_pairs - 1 - inside, rng)


def example(rng: random.Random) -> tuple[str, int]:
    text = grow(rng.randint(2, MAX_LEN // 2), rng)
    if rng.random() < 0.5:
        return text, 1
    chars = list(text)
    for _ in range(rng.choice([1, 1, 3])):
        i = rng.randrange(len(chars))
        chars[i] = rng.choice([c for c in "()[]" if c != chars[i]])
    return "".join(chars), int(balanced("".join(chars)))


def balanced(text: str) -> bool:
    stack = []
    for c in text:
        if c in PAIRS:
            stack.append(PAIRS[c])
        elif not stack or stack.pop() != c:
            return False
    return not stack


def collate(items):
    ids = torch.zeros(len(items), MAX_LEN + 1, dtype=torch.long)
    for row, (text, _) in enumerate(items):
        codes = [INDEX["<cls>"]] + [INDEX[c] for c in text]
        ids[row, : len(codes)] = torch.tensor(codes)
    return ids, torch.tensor([label for _, label in items])


class Recogniser(nn.Module):
    def __init__(self, dim=32, heads=4, depth=2):
        super().__init__()
        self.token = nn.Embedding(len(ALPHABET), dim, padding_idx=0)
        self.place = nn.Embedding(MAX_LEN + 1, dim)
        block = nn.TransformerEncoderLayer(dim, heads, 64, dropout=0.0, activation="gelu", batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(block, depth, norm=nn.LayerNorm(dim), enable_nested_tensor=False)
        self.head = nn.Linear(dim, 2)

    def forward(self, ids):
        x = self.token(ids) + self.place(torch.arange(ids.size(1), device=ids.device))
        x = self.encoder(x, src_key_padding_mask=ids == 0)
        return self.head(x[:, 0])


def stream(rng, batch_size, steps) -> Iterator:
    for _ in range(steps):
        yield collate([example(rng) for _ in range(batch_size)])


def main():
    torch.manual_seed(90)
    rng = random.Random(90)
    test_ids, test_labels = collate([example(random.Random(1000 + i)) for i in range(600)])
    model = Recogniser()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, betas=(0.9, 0.95), weight_decay=0.01)
    loss_fn = nn.CrossEntropyLoss()
    smooth = None
    for step, (ids, labels) in enumerate(stream(rng, 64, 500), 1):
        model.train()
        loss = loss_fn(model(ids), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        smooth = loss.item() if smooth is None else 0.95 * smooth + 0.05 * loss.item()
        if step % 100 == 0:
            print(f"step {step}: smoothed loss {smooth:.4f}")
    model.eval()
    with torch.no_grad():
        right = (model(test_ids).argmax(1) == test_labels).float().mean().item()
    print(f"share of balanced strings: {test_labels.float().mean():.3f}")
    print(f"test accuracy: {right:.4f}")


if __name__ == "__main__":
    main()
