"""Near-infrared spectra -> sugar content (simulated fruit), 1D CNN regression in chemometrics style."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


def simulate_spectra(n, rng, channels=120):
    wavelength = np.linspace(0, 1, channels)
    sugar = rng.uniform(8, 18, n)
    water = 100 - sugar - rng.uniform(2, 6, n)
    firmness = rng.normal(0, 1, n)
    def band(centre, width):
        return np.exp(-((wavelength - centre) ** 2) / (2 * width**2))
    clean = (
        sugar[:, None] * (0.02 * band(0.25, 0.05) + 0.03 * band(0.7, 0.07))
        + water[:, None] * (0.012 * band(0.4, 0.1) + 0.02 * band(0.85, 0.09))
        + 0.1 * firmness[:, None] * band(0.55, 0.2)
    )
    scatter = rng.normal(1, 0.1, (n, 1))
    slope = rng.normal(0, 0.15, (n, 1))
    spectra = scatter * clean + slope * wavelength + rng.normal(0, 0.01, (n, channels))
    return spectra, sugar


def snv(x):
    return (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)


class SpectraCNN(nn.Module):
    def __init__(self, channels=120, drop=0.25):
        super().__init__()
        self.drop = drop
        self.conv1 = nn.Conv1d(1, 8, 9, padding=4)
        self.conv2 = nn.Conv1d(8, 16, 9, padding=4)
        self.fc1 = nn.Linear(16 * (channels // 4), 48)
        self.fc2 = nn.Linear(48, 1)

    def forward(self, x):
        x = F.avg_pool1d(F.elu(self.conv1(x.unsqueeze(1))), 2)
        x = F.avg_pool1d(F.elu(self.conv2(x)), 2).flatten(1)
        x = F.dropout(F.elu(self.fc1(x)), self.drop, training=self.training)
        return self.fc2(x).squeeze(1)


class CalibrationRun:
    def __init__(self, model, lr=2e-3, epochs=40, batch=32):
        self.model, self.epochs, self.batch = model, epochs, batch
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=1e-5)
        self.plan = torch.optim.lr_scheduler.ReduceLROnPlateau(self.optimizer, factor=0.5, patience=4)

    def fit(self, x, y, x_val, y_val):
        for epoch in range(self.epochs):
            self.model.train()
            for rows in torch.randperm(len(x)).split(self.batch):
                self.optimizer.zero_grad()
                loss = F.mse_loss(self.model(x[rows]), y[rows])
                loss.backward()
                self.optimizer.step()
            val = F.mse_loss(self.predict(x_val), y_val).item()
            self.plan.step(val)
            if epoch % 8 == 7:
                print(f"epoch {epoch + 1:3d}  calibration {loss.item():.4f}  validation {val:.4f}  lr {self.optimizer.param_groups[0]['lr']:.1e}")

    @torch.no_grad()
    def predict(self, x):
        self.model.eval()
        return self.model(x)


if __name__ == "__main__":
    rng = np.random.default_rng(88)
    torch.manual_seed(88)
    sets = []
    for n in (700, 200, 300):
        spectra, sugar = simulate_spectra(n, rng)
        sets.append((torch.tensor(snv(spectra), dtype=torch.float32), torch.tensor((sugar - 13) / 3, dtype=torch.float32)))
    run = CalibrationRun(SpectraCNN())
    run.fit(*sets[0], *sets[1])
    predicted = run.predict(sets[2][0]) * 3 + 13
    truth = sets[2][1] * 3 + 13
    bias = (predicted - truth).mean().item()
    print(f"RMSEP {(predicted - truth).pow(2).mean().sqrt():.4f}  bias {bias:.3f}  spread of the test set {truth.std():.3f}")
