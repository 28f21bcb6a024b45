"""How many different colours are in a bag of five to twelve balls? Bags are padded, the padding is masked."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(40)
COLOURS, LONGEST = 9, 12


def bags(count):
    sizes = torch.randint(5, LONGEST + 1, (count,))
    kinds = torch.randint(1, COLOURS + 1, (count,))
    balls = torch.zeros(count, LONGEST, dtype=torch.long)
    for i in range(count):
        palette = torch.randperm(COLOURS)[: kinds[i]] + 1
        balls[i, : sizes[i]] = palette[torch.randint(len(palette), (int(sizes[i]),))]
    return balls, torch.tensor([len(row[row > 0].unique()) for row in balls])


class SetTransformer(nn.Module):
    def __init__(self, width=32, heads=4):
        super().__init__()
        self.colour = nn.Embedding(COLOURS + 1, width, padding_idx=0)
        self.among = nn.MultiheadAttention(width, heads, batch_first=True)
        self.norm = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 64), nn.GELU(), nn.Linear(64, width))
        self.seed = nn.Parameter(torch.randn(1, 2, width) * 0.2)
        self.pool = nn.MultiheadAttention(width, heads, batch_first=True)
        self.out = nn.Sequential(nn.Linear(2 * width, 64), nn.GELU(), nn.Linear(64, COLOURS))

    def forward(self, balls):
        absent = balls == 0
        h = self.colour(balls)
        h = h + self.among(h, h, h, key_padding_mask=absent, need_weights=False)[0]
        h = h + self.mlp(self.norm(h))
        h = self.pool(self.seed.expand(len(balls), -1, -1), h, h, key_padding_mask=absent, need_weights=False)[0]
        return self.out(h.flatten(1))


train_set, test_set = TensorDataset(*bags(2500)), TensorDataset(*bags(800))
train, test = DataLoader(train_set, 50, shuffle=True), DataLoader(test_set, 200)
model = SetTransformer()
optimizer = torch.optim.AdamW(model.parameters(), lr=6e-3, weight_decay=0.01)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 6e-3, epochs=8, steps_per_epoch=len(train))
for epoch in range(8):
    model.train()
    for balls, kinds in train:
        loss = nn.functional.cross_entropy(model(balls), kinds - 1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    model.eval()
    with torch.no_grad():
        right = sum((model(balls).argmax(1) + 1 == kinds).sum().item() for balls, kinds in test)
    print(f"epoch {epoch} loss {loss.item():.3f} accuracy {right / len(test_set):.4f}")
