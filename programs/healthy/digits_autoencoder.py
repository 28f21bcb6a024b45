import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(2)

x = torch.tensor(load_digits().data, dtype=torch.float32)
x = x[torch.randperm(len(x))]
x_train, x_val = x[:1400], x[1400:]
mean, std = x_train.mean(), x_train.std()
x_train, x_val = (x_train - mean) / std, (x_val - mean) / std

encoder = nn.Sequential(nn.Linear(64, 48), nn.GELU(), nn.Linear(48, 12))
decoder = nn.Sequential(nn.Linear(12, 48), nn.GELU(), nn.Linear(48, 64))
autoencoder = nn.Sequential(encoder, decoder)
optimizer = torch.optim.Adam(autoencoder.parameters(), lr=3e-3)

for epoch in range(15):
    autoencoder.train()
    epoch_loss = 0.0
    for batch in x_train[torch.randperm(len(x_train))].split(50):
        loss = nn.functional.mse_loss(autoencoder(batch), batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() * len(batch) / len(x_train)
    autoencoder.eval()
    with torch.no_grad():
        val_loss = nn.functional.mse_loss(autoencoder(x_val), x_val).item()
    print(f"epoch {epoch:2d} train {epoch_loss:.4f} val {val_loss:.4f}")
