"""Autoencoder on 8x8 digits, linear warm-up and linear decay of the learning rate."""
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(2)
data = torch.tensor(load_digits().data, dtype=torch.float32) / 16
data = data[torch.randperm(len(data))]
train, val = data[:1437], data[1437:]

epochs, batch_size, warmup = 25, 64, 20
steps_per_epoch = -(-len(train) // batch_size)
total_steps = 2 * epochs


def rate(step):
    if step < warmup:
        return (step + 1) / warmup
    return max(0.0, (total_steps - step) / (total_steps - warmup))


encoder = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 16))
decoder = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64))
autoencoder = nn.Sequential(encoder, decoder)
optimizer = torch.optim.AdamW(autoencoder.parameters(), lr=1e-2)
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)

for epoch in range(epochs):
    autoencoder.train()
    order = torch.randperm(len(train))
    for start in range(0, len(train), batch_size):
        batch = train[order[start:start + batch_size]]
        loss = nn.functional.mse_loss(autoencoder(batch), batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
    autoencoder.eval()
    with torch.no_grad():
        val_loss = nn.functional.mse_loss(autoencoder(val), val).item()
    r2 = 1 - val_loss / (val - train.mean(0)).pow(2).mean().item()
    print(f"epoch {epoch} train {loss.item():.4f} val {val_loss:.4f} explained {r2:.3f}")
