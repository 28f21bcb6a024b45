"""An autoencoder of handwritten digits: dropout on the picture and on the code, and an L1 penalty on the weights."""
import torch
from sklearn.datasets import load_digits
from torch import nn

x = torch.tensor(load_digits().data / 16, dtype=torch.float32)
torch.manual_seed(6)
x = x[torch.randperm(len(x))]
train, test = x[:1400], x[1400:]
encoder = nn.Sequential(nn.Dropout(0.05), nn.Linear(64, 64), nn.ELU(), nn.Linear(64, 24), nn.Dropout(0.05))
decoder = nn.Sequential(nn.Linear(24, 64), nn.ELU(), nn.Linear(64, 64))
model = nn.Sequential(encoder, decoder)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(15):
    model.train()
    for batch in train[torch.randperm(len(train))].split(50):
        penalty = sum(layer.abs().mean() for layer in model.parameters() if layer.dim() == 2)
        loss = nn.functional.mse_loss(model(batch), batch) + 1e-4 * penalty
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        left = (model(test) - test).square().sum() / (test - train.mean(0)).square().sum()
    print(f"epoch {epoch}: loss {loss.item():.4f} test R2 {1 - left:.4f}")
