"""Digits with a gradient per sample, each clipped to length one, and noise on their sum."""
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.func import functional_call, grad, vmap

torch.manual_seed(77)
CLIP, NOISE, EXPECTED = 1.0, 0.7, 128

digits = load_digits()
perm = torch.randperm(1797)
images = torch.tensor(digits.data, dtype=torch.float32)[perm] / 16
labels = torch.tensor(digits.target)[perm]
x_train, y_train, x_test, y_test = images[:1400], labels[:1400], images[1400:], labels[1400:]

model = nn.Sequential(nn.Linear(64, 48), nn.Tanh(), nn.Linear(48, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9)


def loss_of_one(params, image, label):
    logits = functional_call(model, params, (image.unsqueeze(0),))
    return F.cross_entropy(logits, label.unsqueeze(0))


gradients_of = vmap(grad(loss_of_one), in_dims=(None, 0, 0))

for step in range(1, 401):
    drawn = torch.rand(len(x_train)) < EXPECTED / len(x_train)
    params = {name: value.detach() for name, value in model.named_parameters()}
    gradients = gradients_of(params, x_train[drawn], y_train[drawn])
    squares = sum(g.flatten(1).pow(2).sum(1) for g in gradients.values())
    factor = (CLIP / squares.sqrt().clamp(min=1e-8)).clamp(max=1.0)
    for name, parameter in model.named_parameters():
        clipped = torch.einsum("n,n...->...", factor, gradients[name])
        parameter.grad = (clipped + NOISE * CLIP * torch.randn_like(clipped)) / EXPECTED
    optimizer.step()
    if step % 50 == 0:
        with torch.no_grad():
            logits = model(x_test)
        accuracy = (logits.argmax(1) == y_test).float().mean()
        print(f"step {step} test loss {F.cross_entropy(logits, y_test):.3f} accuracy {accuracy:.4f}")
