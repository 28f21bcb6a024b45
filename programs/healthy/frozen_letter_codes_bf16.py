"""How far behind the letter a does the letter b stand? Fixed one-hot codes, bfloat16, rates that change after every batch."""
import torch
from torch import nn

torch.manual_seed(53)
LETTERS, LENGTH = 10, 8


def strings(count):
    letters = torch.randint(2, LETTERS, (count, LENGTH))
    first = torch.randint(LENGTH - 4, (count,))
    apart = torch.randint(1, 5, (count,))
    rows = torch.arange(count)
    letters[rows, first], letters[rows, first + apart] = 0, 1
    return letters, apart - 1


class Reader(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.codes = nn.Embedding.from_pretrained(torch.eye(LETTERS))
        self.layers = nn.Sequential(
            nn.Conv1d(LETTERS, hidden, 1), nn.GELU(), nn.Flatten(), nn.Linear(hidden * LENGTH, 96), nn.GELU()
        )
        self.head = nn.Linear(96, 4)

    def forward(self, letters):
        return self.head(self.layers(self.codes(letters).transpose(1, 2)))


letters, apart = strings(4000)
test_letters, test_apart = strings(1000)
model = Reader()
optimizer = torch.optim.AdamW(
    [
        {"params": model.layers.parameters(), "lr": 3e-3, "weight_decay": 0.01},
        {"params": model.head.parameters(), "lr": 1e-3, "weight_decay": 0.0},
    ]
)
steps = 8 * 50
warmup, decay = 40, lambda step: max(0.02, 1 - step / steps)
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, step / warmup) * decay(step))
for epoch in range(8):
    for rows in torch.randperm(len(letters)).split(80):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model(letters[rows])
        loss = nn.functional.cross_entropy(logits.float(), apart[rows])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        scheduler.step()
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        accuracy = (model(test_letters).argmax(1) == test_apart).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} rate {scheduler.get_last_lr()[0]:.5f} accuracy {accuracy:.4f}")
