"""Read the digits of a strip whose digits stand at unknown places, with CTC."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset

BLANK = 0


class Strips(Dataset):
    """Strips of two to four digits with gaps of random width; an item is (columns, digits)."""

    def __init__(self, images, labels, count, seed):
        g = torch.Generator().manual_seed(seed)
        self.items = []
        for _ in range(count):
            pieces, digits = [], []
            for k in torch.randint(len(images), (int(torch.randint(2, 5, (1,), generator=g)),), generator=g):
                pieces += [torch.zeros(8, int(torch.randint(1, 4, (1,), generator=g))), images[k]]
                digits.append(int(labels[k]) + 1)
            strip = torch.cat(pieces, 1)
            strip = strip + 0.08 * torch.randn(strip.shape, generator=g)
            self.items.append((strip.T.contiguous(), torch.tensor(digits)))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]


def collate(batch):
    columns, digits = zip(*batch)
    return (
        nn.utils.rnn.pad_sequence(columns, batch_first=True),
        torch.tensor([len(c) for c in columns]),
        torch.cat(digits),
        torch.tensor([len(d) for d in digits]),
    )


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv1d(8, 48, 5, padding=2), nn.ReLU())
        self.rnn = nn.GRU(48, 40, batch_first=True, bidirectional=True)
        self.out = nn.Linear(80, 11)

    def forward(self, columns, lengths):
        h = self.conv(columns.transpose(1, 2)).transpose(1, 2)
        packed = nn.utils.rnn.pack_padded_sequence(h, lengths, batch_first=True, enforce_sorted=False)
        h, _ = nn.utils.rnn.pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
        return self.out(h).log_softmax(-1)


def read(log_probs, length):
    best = torch.unique_consecutive(log_probs[:length].argmax(-1))
    return best[best != BLANK].tolist()


torch.manual_seed(31)
digits = load_digits()
images, labels = torch.tensor(digits.images, dtype=torch.float32) / 16, torch.tensor(digits.target)
order = torch.randperm(1797)
images, labels = images[order], labels[order]
train = DataLoader(Strips(images[:1400], labels[:1400], 1000, 1), batch_size=16, shuffle=True, collate_fn=collate)
test_set = Strips(images[1400:], labels[1400:], 250, 2)
test = DataLoader(test_set, batch_size=50, collate_fn=collate)
model = Reader()
criterion = nn.CTCLoss(blank=BLANK, zero_infinity=True)
optimizer = torch.optim.AdamW(model.parameters(), lr=8e-3)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 9 * len(train))
for epoch in range(9):
    model.train()
    for columns, lengths, targets, sizes in train:
        loss = criterion(model(columns, lengths).transpose(0, 1), targets, lengths, sizes)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        schedule.step()
    model.eval()
    right = total = 0
    with torch.no_grad():
        for columns, lengths, targets, sizes in test:
            for row, length, wanted in zip(model(columns, lengths), lengths, targets.split(sizes.tolist())):
                right += read(row, length) == wanted.tolist()
                total += 1
    print(f"epoch {epoch} loss {loss.item():.3f} strips read without an error {right / total:.3f}")
