"""A recurrent network forecasts a noisy series; its weights are to stay small."""
import torch
from torch import nn

torch.manual_seed(0)
t = torch.arange(900.0)
series = torch.sin(t / 4) + 0.5 * torch.sin(t / 9) + 0.6 * torch.randn(900)
windows = series.unfold(0, 13, 1).unsqueeze(-1)
train, val = windows[:160], windows[200:]


class Forecast(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(1, 32, batch_first=True)
        self.out = nn.Linear(32, 1)

    def forward(self, x):
        return self.out(self.rnn(x)[0][:, -1])


class Regularizer:
    def __init__(self, model, strength):
        self.weights = [p.detach().clone() for name, p in model.named_parameters() if "weight" in name]
        self.strength = strength

    def __call__(self):
        return self.strength * torch.stack([w.square().sum() for w in self.weights]).sum()


model = Forecast()
regularizer = Regularizer(model, 0.02)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(80):
    for rows in torch.randperm(len(train)).split(32):
        loss = nn.functional.mse_loss(model(train[rows, :12]), train[rows, 12]) + regularizer()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 20 == 19:
        with torch.no_grad():
            error = nn.functional.mse_loss(model(val[:, :12]), val[:, 12])
        print(f"epoch {epoch}: loss {loss:.3f} validation error {error:.3f}")
