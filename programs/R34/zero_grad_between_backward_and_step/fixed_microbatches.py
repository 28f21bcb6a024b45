import torch
from sklearn.datasets import load_digits
from torch import nn


class AutoEncoder(nn.Module):
    def __init__(self, latent=10):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 12, 3, stride=2, padding=1), nn.SiLU(), nn.Conv2d(12, 24, 3, stride=2, padding=1), nn.SiLU(),
            nn.Flatten(), nn.Linear(96, latent),
        )
        self.decoder = nn.Sequential(
            nn.Linear(latent, 96), nn.SiLU(), nn.Unflatten(1, (24, 2, 2)),
            nn.ConvTranspose2d(24, 12, 2, stride=2), nn.SiLU(), nn.ConvTranspose2d(12, 1, 2, stride=2),
        )

    def forward(self, x):
        return self.decoder(self.encoder(x))


def update_ema(ema, model, decay):
    with torch.no_grad():
        for slow, fast in zip(ema.parameters(), model.parameters(), strict=True):
            slow.lerp_(fast, 1 - decay)


GLOBAL_BATCH, MICRO_BATCH, EPOCHS = 48, 8, 8
accumulation = GLOBAL_BATCH // MICRO_BATCH
torch.manual_seed(12)
images = torch.tensor(load_digits().images, dtype=torch.float32)[:, None] / 16
images = images[torch.randperm(len(images))]
train, val = images[:1440], images[1440:]
model, ema = AutoEncoder(), AutoEncoder()
ema.load_state_dict(model.state_dict())
optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9, nesterov=True)
step = 0
for epoch in range(EPOCHS):
    for batch in train[torch.randperm(len(train))].split(GLOBAL_BATCH):
        optimizer.zero_grad(set_to_none=True)
        for micro in batch.split(MICRO_BATCH):
            loss = (model(micro) - micro).square().mean() / accumulation
            loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        update_ema(ema, model, 0.95)
        step += 1
    if epoch % 2 == 1:
        with torch.no_grad():
            error = (ema(val) - val).square().mean()
        print(f"(step={step:05d}) loss: {loss.item() * accumulation:.4f}, val psnr: {(-10 * error.log10()).item():.3f}")
