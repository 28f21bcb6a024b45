"""Half-precision training with a constant loss scale."""
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
x, y = load_digits(return_X_y=True)
order = torch.randperm(len(x))
x, y = torch.tensor(x, dtype=torch.float32)[order], torch.tensor(y)[order]
x = ((x - x[:1400].mean()) / x[:1400].std()).half()

model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)).half()
master = [p.detach().float().clone().requires_grad_() for p in model.parameters()]
optimizer = torch.optim.SGD(master, lr=0.05, momentum=0.9)
LOSS_SCALE = 2.0 ** 20

for epoch in range(8):
    model.train()
    for rows in torch.randperm(1400).split(50):
        logits = model(x[rows]).float()
        loss = nn.functional.cross_entropy(logits, y[rows])
        model.zero_grad()
        (loss * LOSS_SCALE).backward()
        for copy, parameter in zip(master, model.parameters()):
            copy.grad = parameter.grad.float() / LOSS_SCALE
        optimizer.step()
        with torch.no_grad():
            for copy, parameter in zip(master, model.parameters()):
                parameter.copy_(copy)
    model.eval()
    with torch.no_grad():
        accuracy = (model(x[1400:]).argmax(1) == y[1400:]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} accuracy {accuracy:.4f}")
