"""
Curriculum learning for a GRU that predicts the nesting depth (0..5) at the end of a bracket string.
Start with short strings, go to the next length when the current one is solved.
"""
import numpy as np
import torch
import torch.nn as nn

LENGTHS = [6, 12, 18, 24]
MAX_DEPTH = 5
THRESHOLD = 0.97


def bracket_batch(n, length, rng):
    """random walk between 0 and MAX_DEPTH; token 1 opens, 2 closes, 3 is a filler; 0 = padding on the left"""
    tokens = np.zeros((n, length), dtype=np.int64)
    depth = np.zeros(n, dtype=np.int64)
    for t in range(length):
        r = rng.random(n)
        up = (r < 0.45) & (depth < MAX_DEPTH)
        down = (r >= 0.45) & (r < 0.8) & (depth > 0)
        tokens[:, t] = np.where(up, 1, np.where(down, 2, 3))
        depth += up.astype(int) - down.astype(int)
    return torch.from_numpy(tokens), torch.from_numpy(depth)


class DepthGRU(nn.Module):
    def __init__(self, emb=8, hidden=48):
        super().__init__()
        self.emb = nn.Embedding(4, emb)
        self.gru = nn.GRU(emb, hidden, batch_first=True)
        self.out = nn.Linear(hidden, MAX_DEPTH + 1)

    def forward(self, tokens):
        h, _ = self.gru(self.emb(tokens))
        return self.out(h[:, -1])


class Curriculum:
    def __init__(self, lengths):
        self.lengths = lengths
        self.stage = 0

    @property
    def length(self):
        return self.lengths[self.stage]

    def sample_length(self, rng):
        # a quarter of the batches rehearses earlier lengths
        if self.stage and rng.random() < 0.25:
            return int(rng.choice(self.lengths[:self.stage]))
        return self.length

    def report(self, acc):
        if acc >= THRESHOLD and self.stage < len(self.lengths) - 1:
            self.stage += 1
            return True
        return False


@torch.no_grad()
def accuracy(model, length, seed=999):
    model.eval()
    x, y = bracket_batch(500, length, np.random.default_rng(seed + length))
    return (model(x).argmax(1) == y).float().mean().item()


def main():
    torch.manual_seed(3)
    rng = np.random.default_rng(3)
    model = DepthGRU()
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    loss_fn = nn.CrossEntropyLoss()
    curriculum = Curriculum(LENGTHS)

    for rnd in range(1, 26):
        model.train()
        losses = []
        for _ in range(50):
            x, y = bracket_batch(64, curriculum.sample_length(rng), rng)
            opt.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            losses.append(loss.item())
        acc = accuracy(model, curriculum.length)
        print(f"round {rnd:2d} length {curriculum.length:2d} loss {np.mean(losses):.4f} acc {acc:.3f} "
              f"| len 24 acc {accuracy(model, 24):.3f}")
        if curriculum.report(acc):
            print(f"  -> next length {curriculum.length}")
        elif curriculum.length == LENGTHS[-1] and acc >= 0.998:
            print("solved")
            break


if __name__ == "__main__":
    main()
