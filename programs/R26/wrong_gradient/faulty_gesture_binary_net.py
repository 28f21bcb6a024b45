"""
Binary weight network for a wrist band (gesture recognition from accelerometer
windows). Weights are +1/-1 at inference, trained with a straight-through estimator.
"""
import numpy as np
import torch
from torch import nn
from torch.autograd import Function
from torch.utils.data import DataLoader, TensorDataset

GESTURES = ["swipe_left", "swipe_right", "circle", "shake", "tap", "rest"]
WINDOW = 40


def gesture(label, rng):
    t = np.linspace(0, 1, WINDOW)
    c, w, a = rng.uniform(0.35, 0.65), rng.uniform(0.1, 0.18), rng.uniform(0.8, 1.5)
    bump = np.exp(-0.5 * ((t - c) / w) ** 2)
    deriv = -(t - c) / w * bump
    ph = rng.uniform(0, 2 * np.pi)
    xyz = np.zeros((3, WINDOW))
    if label == 0:
        xyz[0], xyz[2] = a * deriv, 0.3 * bump
    elif label == 1:
        xyz[0], xyz[2] = -a * deriv, 0.3 * bump
    elif label == 2:
        f = rng.uniform(1.5, 2.2)
        xyz[0], xyz[1] = a * np.sin(2 * np.pi * f * t + ph), a * np.cos(2 * np.pi * f * t + ph)
    elif label == 3:
        f = rng.uniform(5, 7)
        xyz[0] = a * np.sin(2 * np.pi * f * t + ph)
        xyz[1] = 0.5 * a * np.sin(2 * np.pi * f * t + ph)
    elif label == 4:
        xyz[2] = 1.5 * a * np.exp(-np.maximum(t - c, 0) / 0.06) * (t > c)
    return xyz + rng.normal(0, 0.35, xyz.shape)


class BinarizeSTE(Function):
    @staticmethod
    def forward(ctx, weight):
        ctx.save_for_backward(weight)
        return torch.where(weight >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx, grad_output):
        (weight,) = ctx.saved_tensors
        grad = grad_output.clone()
        grad[weight.abs() <= 1] = 0
        return grad


class BinaryLinear(nn.Linear):
    def forward(self, x):
        w = BinarizeSTE.apply(self.weight)
        # scale by the fan-in keeps the activations near one
        return nn.functional.linear(x, w / self.in_features ** 0.5, self.bias)


class BandNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = BinaryLinear(3 * WINDOW, 40)
        self.bn1 = nn.BatchNorm1d(40)
        self.fc2 = BinaryLinear(40, 24)
        self.bn2 = nn.BatchNorm1d(24)
        self.fc3 = BinaryLinear(24, len(GESTURES))

    def forward(self, x):
        x = x.flatten(1)
        x = torch.nn.functional.hardtanh(self.bn1(self.fc1(x)))
        x = torch.nn.functional.hardtanh(self.bn2(self.fc2(x)))
        return self.fc3(x)

    def clip_weights(self):
        for m in self.modules():
            if isinstance(m, BinaryLinear):
                m.weight.data.clamp_(-1, 1)


def main():
    torch.manual_seed(12)
    rng = np.random.default_rng(12)
    y = rng.integers(0, len(GESTURES), 2400)
    x = np.stack([gesture(k, rng) for k in y]).astype(np.float32)
    x = torch.from_numpy(x)
    y = torch.from_numpy(y)
    train, val = TensorDataset(x[:1900], y[:1900]), TensorDataset(x[1900:], y[1900:])
    train_loader = DataLoader(train, batch_size=50, shuffle=True)
    val_loader = DataLoader(val, batch_size=500)

    net = BandNet()
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    sched = torch.optim.lr_scheduler.StepLR(opt, step_size=8, gamma=0.3)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(1, 21):
        net.train()
        running = 0.0
        for xb, yb in train_loader:
            opt.zero_grad()
            loss = loss_fn(net(xb), yb)
            loss.backward()
            opt.step()
            net.clip_weights()
            running += loss.item()
        sched.step()
        net.eval()
        with torch.no_grad():
            acc = np.mean([(net(xb).argmax(1) == yb).float().mean().item() for xb, yb in val_loader])
        print(f"{epoch:3d}  loss = {running / len(train_loader):.4f}  val acc = {acc:.4f}")


if __name__ == "__main__":
    main()
