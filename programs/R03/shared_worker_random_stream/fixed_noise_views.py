"""Denoising: the dataset adds fresh noise to a few clean digits, in two workers."""
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class NoisyDigits(Dataset):
    def __init__(self, clean, size, seed):
        self.clean, self.size = clean, size
        self.rng = np.random.default_rng(seed)

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        clean = self.clean[self.rng.integers(len(self.clean))]
        noise = self.rng.normal(size=64).astype("float32")
        return torch.from_numpy(clean + noise), torch.from_numpy(clean)


def reseed(worker_id):
    info = torch.utils.data.get_worker_info()
    info.dataset.rng = np.random.default_rng(info.seed)


def main():
    torch.manual_seed(3)
    pixels = load_digits().data.astype("float32")
    np.random.default_rng(3).shuffle(pixels)
    mean, std = pixels[:1300].mean(), pixels[:1300].std()
    pixels = (pixels - mean) / std
    loader = DataLoader(NoisyDigits(pixels[:1300], 400, seed=1), batch_size=40, num_workers=2, worker_init_fn=reseed)
    val_loader = DataLoader(NoisyDigits(pixels[1300:], 490, seed=2), batch_size=490)
    model = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 64))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(20):
        model.train()
        for noisy, clean in loader:
            loss = nn.functional.mse_loss(model(noisy), clean)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if epoch % 4 == 3:
            model.eval()
            with torch.no_grad():
                val = np.mean([nn.functional.mse_loss(model(x), y).item() for x, y in val_loader])
            print(f"epoch {epoch}: loss {loss.item():.3f}, val mse {val:.3f}")


if __name__ == "__main__":
    main()
