"""Spirals, told apart by a deep network whose activation keeps only its input for the backward pass."""
import numpy as np
import torch
from torch import nn
from torch.autograd import Function


class SwishFunction(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        gate = torch.sigmoid(x)
        slope = gate * (1 + x * (1 - gate))
        return slope


class MemoryEfficientSwish(nn.Module):
    def forward(self, x):
        return SwishFunction.apply(x)


def spirals(per_arm, arms, rng, noise=0.06):
    t = np.sqrt(rng.uniform(0.02, 1, (arms, per_arm)))
    angle = 2.4 * np.pi * t + 2 * np.pi * np.arange(arms)[:, None] / arms
    points = np.stack([t * np.cos(angle), t * np.sin(angle)], axis=-1) + noise * t[..., None] * rng.normal(size=(arms, per_arm, 2))
    labels = np.repeat(np.arange(arms), per_arm)
    order = rng.permutation(len(labels))
    return points.reshape(-1, 2)[order].astype(np.float32), labels[order]


def network(widths, classes):
    layers, inputs = [], 2
    for width in widths:
        layers += [nn.Linear(inputs, width), MemoryEfficientSwish()]
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, classes))


rng = np.random.default_rng(6)
torch.manual_seed(6)
points, labels = map(torch.from_numpy, spirals(400, 3, rng))
test_points, test_labels = map(torch.from_numpy, spirals(150, 3, rng))
net = network([48, 48, 48], classes=3)
optimizer = torch.optim.RMSprop(net.parameters(), lr=2e-3)
criterion = nn.CrossEntropyLoss()
step = 0
while step < 1500:
    for rows in torch.randperm(len(points)).split(64):
        optimizer.zero_grad()
        loss = criterion(net(points[rows] * 2), labels[rows])
        loss.backward()
        optimizer.step()
        step += 1
        if step % 300 == 0:
            with torch.no_grad():
                accuracy = (net(test_points * 2).argmax(1) == test_labels).float().mean().item()
            print(f"step {step}: loss {loss.item():.3f}, accuracy {accuracy:.3f}")
