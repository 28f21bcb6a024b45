"""Average the probabilities of three small networks on digits."""
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
x, y = load_digits(return_X_y=True)
order = torch.randperm(len(x))
x, y = torch.tensor(x, dtype=torch.float32)[order], torch.tensor(y)[order]
x = (x - x[:1400].mean()) / x[:1400].std()
x_val, y_val = x[1400:], y[1400:]


def make():
    return nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Dropout(0.1), nn.Linear(48, 10))


def ensemble_probabilities(models, inputs):
    logits = torch.stack([model(inputs) for model in models])
    return F.softmax(logits, dim=0).mean(0)


models = nn.ModuleList([make() for _ in range(3)])
optimizer = torch.optim.Adam(models.parameters(), lr=3e-3)
for epoch in range(10):
    models.train()
    for rows in torch.randperm(1400).split(50):
        loss = sum(F.cross_entropy(model(x[rows]), y[rows]) for model in models)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    models.eval()
    with torch.no_grad():
        probabilities = ensemble_probabilities(models, x_val)
    accuracy = (probabilities.argmax(1) == y_val).float().mean().item()
    log_loss = -probabilities[torch.arange(len(y_val)), y_val].clamp(min=1e-12).log().mean().item()
    print(f"epoch {epoch} loss {loss.item() / 3:.4f} accuracy {accuracy:.4f} log loss {log_loss:.4f}")
