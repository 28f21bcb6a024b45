import torch
from skimage import data
from torch import nn

torch.manual_seed(0)
image = torch.tensor(data.moon(), dtype=torch.float32) / 255
clean = image.unfold(0, 16, 16).unfold(1, 16, 16).reshape(-1, 1, 16, 16)
clean = clean[torch.randperm(len(clean))] - image.mean()
clean = clean / image.std()
noisy = clean + 0.5 * torch.randn_like(clean)
train, val = slice(0, 800), slice(800, None)


def train_denoiser(model, epochs=5, batch_size=20, lr=0.05):
    mse = nn.MSELoss(reduction="sum")
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for epoch in range(epochs):
        model.train()
        for xs, ys in zip(noisy[train].split(batch_size), clean[train].split(batch_size)):
            optimizer.zero_grad()
            loss = mse(model(xs), ys)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            print(f"epoch {epoch}: validation mse {nn.functional.mse_loss(model(noisy[val]), clean[val]).item():.4f}")


denoiser = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 1, 3, padding=1)
)
train_denoiser(denoiser)
