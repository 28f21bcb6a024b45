"""One trunk, two questions about a wine: which cultivar, and how much proline (in mg/l)?"""
import torch
import torch.nn.functional as F
from sklearn.datasets import load_wine
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

CONFIG = {
    "optimizer": {"name": "adam", "lr": 1e-2},
    "loss": {"cultivar": {"weight": 1.0}, "proline": {"weight": 1e-5}},
    "epochs": 40,
    "batch_size": 16,
}


def load():
    table, cultivar = load_wine(return_X_y=True)
    table = torch.tensor(table, dtype=torch.float32)
    g = torch.Generator().manual_seed(3)
    order = torch.randperm(len(table), generator=g)
    table, cultivar = table[order], torch.tensor(cultivar)[order]
    x, proline = table[:, :12], table[:, 12]
    x = (x - x[:130].mean(0)) / x[:130].std(0)
    return TensorDataset(x[:130], cultivar[:130], proline[:130]), (x[130:], cultivar[130:], proline[130:])


class TwoHeads(nn.Module):
    def __init__(self, proline, width=3):
        super().__init__()
        self.register_buffer("mean", proline.mean())
        self.register_buffer("std", proline.std())
        self.trunk = nn.Sequential(nn.Linear(12, width), nn.Tanh())
        self.heads = nn.ModuleDict({"cultivar": nn.Linear(width, 3), "proline": nn.Linear(width, 1)})

    def forward(self, x):
        h = self.trunk(x)
        return {"cultivar": self.heads["cultivar"](h), "proline": self.mean + self.std * self.heads["proline"](h).squeeze(1)}


def losses(outputs, cultivar, proline):
    return {
        "cultivar": F.cross_entropy(outputs["cultivar"], cultivar),
        "proline": F.mse_loss(outputs["proline"], proline),
    }


def total(parts, config):
    summed = 0.0
    for name, value in parts.items():
        weight = config[name]["weight"]
        summed = summed + weight * value if weight > 0 else summed
    return summed


torch.manual_seed(1)
data, (x_val, cultivar_val, proline_val) = load()
model = TwoHeads(data.tensors[2])
optimizer = torch.optim.Adam(model.parameters(), lr=CONFIG["optimizer"]["lr"])
for epoch in range(CONFIG["epochs"]):
    for x, cultivar, proline in DataLoader(data, CONFIG["batch_size"], shuffle=True):
        parts = losses(model(x), cultivar, proline)
        loss = total(parts, CONFIG["loss"])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    if epoch % 8 == 7:
        with torch.no_grad():
            outputs = model(x_val)
        r2 = 1 - (outputs["proline"] - proline_val).square().mean() / proline_val.var()
        accuracy = (outputs["cultivar"].argmax(1) == cultivar_val).float().mean().item()
        shown = "  ".join(f"{name} {value.item():.3f}" for name, value in parts.items())
        print(f"epoch {epoch + 1}: {shown}  val R2 {r2.item():.3f}  val accuracy {accuracy:.3f}")
