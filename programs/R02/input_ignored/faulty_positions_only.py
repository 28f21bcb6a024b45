import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class PatchTransformer(nn.Module):
    """A little vision transformer over the 16 patches of 2x2 pixels."""

    def __init__(self, d=32, heads=4, depth=2, classes=10):
        super().__init__()
        self.patch = nn.Conv2d(1, d, 2, stride=2)
        self.pos = nn.Parameter(torch.randn(1, 17, d) * 0.02)
        self.cls = nn.Parameter(torch.zeros(1, 1, d))
        layer = nn.TransformerEncoderLayer(d, heads, 2 * d, dropout=0.0, batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.head = nn.Linear(d, classes)

    def forward(self, img):
        tokens = self.patch(img).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(img), -1, -1), tokens], dim=1)
        x = self.pos.expand(len(img), -1, -1)
        x = self.blocks(x)
        return self.head(x[:, 0])


def main():
    torch.manual_seed(0)
    d = load_digits()
    x = torch.as_tensor(d.images, dtype=torch.float32).unsqueeze(1).div_(8).sub_(1)
    y = torch.as_tensor(d.target)
    train = DataLoader(TensorDataset(x[:1400], y[:1400]), batch_size=70, shuffle=True)
    net = PatchTransformer()
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=4e-3, total_steps=6 * len(train))
    for epoch in range(6):
        net.train()
        for xb, yb in train:
            loss = nn.functional.cross_entropy(net(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
        net.eval()
        with torch.no_grad():
            print(f"epoch {epoch} | loss {loss.item():.4f} | acc {(net(x[1400:]).argmax(-1) == y[1400:]).float().mean():.3f}")


main()
