"""Autoencoder with a hand-written normalization layer."""
import torch
from sklearn.datasets import load_digits
from torch import nn


class Normalize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        mean = x.mean(1, keepdim=True)
        inverse = (x.var(1, unbiased=False, keepdim=True) + 1e-5).rsqrt()
        output = (x - mean) * inverse
        ctx.save_for_backward(output, inverse)
        return output

    @staticmethod
    def backward(ctx, grad):
        output, inverse = ctx.saved_tensors
        along = (grad * output).mean(1, keepdim=True) * output
        return (grad - grad.mean(1, keepdim=True) - along) * inverse


class Autoencoder(nn.Module):
    def __init__(self, code=16):
        super().__init__()
        self.encode = nn.Linear(64, 64)
        self.compress = nn.Linear(64, code)
        self.expand = nn.Linear(code, 64)
        self.decode = nn.Linear(64, 64)

    def forward(self, x):
        x = torch.relu(Normalize.apply(self.encode(x)))
        x = self.compress(x)
        x = torch.relu(Normalize.apply(self.expand(x)))
        return self.decode(x)


torch.manual_seed(0)
pixels = torch.tensor(load_digits().data, dtype=torch.float32)
pixels = pixels[torch.randperm(len(pixels))]
pixels = (pixels - pixels[:1440].mean()) / pixels[:1440].std()
train, val = pixels[:1440], pixels[1440:]
model = Autoencoder()
optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
for epoch in range(14):
    model.train()
    for batch in train[torch.randperm(1440)].split(48):
        loss = nn.functional.mse_loss(model(batch), batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        explained = 1 - nn.functional.mse_loss(model(val), val) / (val - train.mean(0)).pow(2).mean()
    print(f"epoch {epoch} loss {loss.item():.4f} explained {explained.item():.3f}")
