"""Model-agnostic meta-learning on sine curves: second-order gradients through two inner steps."""
import math

import torch
import torch.nn.functional as F

torch.manual_seed(0)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def tasks(count, shots):
    amplitude = torch.rand(count, 1, 1) * 4.9 + 0.1
    phase = torch.rand(count, 1, 1) * math.pi
    x = torch.rand(count, 2 * shots, 1) * 10 - 5
    y = amplitude * torch.sin(x - phase)
    return x[:, :shots].to(device), y[:, :shots].to(device), x[:, shots:].to(device), y[:, shots:].to(device)


def init(width=40):
    sizes = [(1, width), (width, width), (width, 1)]
    parameters = []
    for inputs, outputs in sizes:
        weight = torch.empty(outputs, inputs, device=device)
        torch.nn.init.trunc_normal_(weight, std=1 / math.sqrt(inputs))
        parameters += [weight.requires_grad_(), torch.zeros(outputs, device=device, requires_grad=True)]
    return parameters


def net(x, p):
    x = F.relu(F.linear(x / 5, p[0], p[1]))
    x = F.relu(F.linear(x, p[2], p[3]))
    return F.linear(x, p[4], p[5])


def adapt(x, y, parameters, rate=0.03, create_graph=True):
    loss = F.mse_loss(net(x, parameters), y)
    gradients = torch.autograd.grad(loss, parameters, create_graph=create_graph)
    return [p - rate * g for p, g in zip(parameters, gradients)]


parameters = init()
optimizer = torch.optim.Adam(parameters, lr=3e-3)
for iteration in range(1, 1201):
    meta_loss = 0.0
    for xs, ys, xq, yq in zip(*tasks(8, 10)):
        meta_loss = meta_loss + F.mse_loss(net(xq, adapt(xs, ys, adapt(xs, ys, parameters))), yq)
    meta_loss = meta_loss / 8
    optimizer.zero_grad()
    meta_loss.backward()
    optimizer.step()
    if iteration % 300 == 0:
        before, after = [], []
        for xs, ys, xq, yq in zip(*tasks(100, 10)):
            fast = parameters
            before.append(F.mse_loss(net(xq, fast), yq).item())
            for _ in range(5):
                fast = adapt(xs, ys, fast, create_graph=False)
            after.append(F.mse_loss(net(xq, fast), yq).item())
        print(f"iteration {iteration}: query loss before {sum(before) / 100:.3f}, after five steps {sum(after) / 100:.3f}")
