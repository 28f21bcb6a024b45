"""MLP with binary weights on digits: sign() forward, straight-through gradient, SGD with a large step on the latent weights."""
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


class Sign(torch.autograd.Function):
    @staticmethod
    def forward(ctx, w):
        ctx.save_for_backward(w)
        return torch.where(w >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx, grad):
        (w,) = ctx.saved_tensors
        return grad * (w.abs() <= 1)        # straight-through, cut outside [-1, 1]


class BinaryLinear(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_out, n_in).uniform_(-0.5, 0.5))
        self.bn = nn.BatchNorm1d(n_out)
        self.scale = n_in ** -0.5

    def forward(self, x):
        return self.bn(nn.functional.linear(x, Sign.apply(self.weight)) * self.scale)


class BinaryNet(nn.Module):
    def __init__(self, hidden=256):
        super().__init__()
        self.l1 = BinaryLinear(64, hidden)
        self.l2 = BinaryLinear(hidden, hidden)
        self.head = nn.Linear(hidden, 10)

    def forward(self, x):
        return self.head(torch.relu(self.l2(torch.relu(self.l1(x)))))

    @torch.no_grad()
    def clip_latent(self):
        for m in self.modules():
            if isinstance(m, BinaryLinear):
                m.weight.clamp_(-1, 1)


def accuracy(net, x, y):
    net.eval()
    with torch.no_grad():
        return (net(x).argmax(1) == y).float().mean().item()


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    d = load_digits()
    x_tr, x_va, y_tr, y_va = train_test_split(d.data, d.target, test_size=0.25, stratify=d.target, random_state=3)
    center = x_tr.mean()
    scale = x_tr.std()
    x_tr, x_va = (torch.tensor((a - center) / scale, dtype=torch.float32) for a in (x_tr, x_va))
    y_tr, y_va = torch.tensor(y_tr), torch.tensor(y_va)

    net = BinaryNet()
    latent = [m.weight for m in net.modules() if isinstance(m, BinaryLinear)]
    ids = {id(p) for p in latent}
    rest = [p for p in net.parameters() if id(p) not in ids]
    opt = torch.optim.SGD([{"params": latent, "lr": 1.0}, {"params": rest, "lr": 0.05}], lr=0.05, momentum=0.9)
    epochs = 30
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, epochs)
    for epoch in range(epochs):
        net.train()
        total = flips = 0.0
        for idx in torch.randperm(len(x_tr)).split(64):
            if len(idx) < 8:
                continue
            before = torch.sign(net.l2.weight.detach())
            loss = nn.functional.cross_entropy(net(x_tr[idx]), y_tr[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            net.clip_latent()
            total += loss.item() * len(idx)
            flips += (torch.sign(net.l2.weight.detach()) != before).float().mean().item()
        sched.step()
        if epoch % 3 == 2:
            print(f"epoch {epoch + 1:2d} loss {total / len(x_tr):.4f} val acc {accuracy(net, x_va, y_va):.4f} sign flips {flips:.3f}")


if __name__ == "__main__":
    main()
