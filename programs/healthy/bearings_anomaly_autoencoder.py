"""Anomaly detection: an autoencoder learns the spectra of healthy bearings only; the reconstruction error ranks the faulty ones."""
import numpy as np
import torch
from sklearn.metrics import average_precision_score, roc_auc_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(1)
rng = np.random.default_rng(1)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def spectra(count, damaged):
    t = np.arange(256) / 256
    rows = []
    for _ in range(count):
        speed = rng.uniform(18, 24)
        wave = sum(a * np.sin(2 * np.pi * k * speed * t + rng.uniform(0, 6.28)) for k, a in ((1, 1.0), (2, 0.5), (3, 0.25)))
        if damaged:
            wave = wave + rng.uniform(0.25, 0.6) * np.sin(2 * np.pi * 3.57 * speed * t) * (1 + np.sin(2 * np.pi * speed * t))
        rows.append(np.log1p(np.abs(np.fft.rfft(wave + 0.2 * rng.normal(size=256)))[:128]))
    return np.stack(rows).astype(np.float32)


class AutoEncoder(nn.Module):
    def __init__(self, inputs=128, code=8):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(inputs, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, code))
        self.decoder = nn.Sequential(nn.Linear(code, 32), nn.ReLU(), nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, inputs))

    def forward(self, x):
        return self.decoder(self.encoder(x))


normal = spectra(2600, damaged=False)
x_train, x_val = normal[:1800], normal[1800:2200]
x_test = np.concatenate([normal[2200:], spectra(60, damaged=True)])
y_test = np.r_[np.zeros(400), np.ones(60)]
mean, std = x_train.mean(0), x_train.std(0)
x_train, x_val, x_test = (torch.from_numpy((x - mean) / std) for x in (x_train, x_val, x_test))
model = AutoEncoder().to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
loader = DataLoader(TensorDataset(x_train), batch_size=64, shuffle=True)
for epoch in range(40):
    model.train()
    total = 0.0
    for (x,) in loader:
        x = x.to(device)
        loss = nn.functional.mse_loss(model(x), x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(x)
    model.eval()
    with torch.no_grad():
        val = nn.functional.mse_loss(model(x_val.to(device)), x_val.to(device)).item()
    if epoch % 8 == 7:
        print(f"epoch {epoch + 1}: train {total / len(x_train):.4f} val {val:.4f}")
with torch.no_grad():
    error = (model(x_test.to(device)).cpu() - x_test).pow(2).mean(1).numpy()
print(f"AUC {roc_auc_score(y_test, error):.3f}, average precision {average_precision_score(y_test, error):.3f}")
