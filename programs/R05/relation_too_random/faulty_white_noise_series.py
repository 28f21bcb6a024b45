"""One-step forecast of a standardized series with a GRU."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(2)
t = torch.arange(1500, dtype=torch.float32)
series = torch.randn(1500)
cut, history = 1100, 20
series = (series - series[:cut].mean()) / series[:cut].std()


def dataset(part):
    windows = part.unfold(0, history + 1, 1)
    return TensorDataset(windows[:, :-1].unsqueeze(-1), windows[:, -1:])


class Forecast(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(1, 20, batch_first=True)
        self.head = nn.Linear(20, 1)

    def forward(self, x):
        return self.head(self.rnn(x)[0][:, -1])


train_loader = DataLoader(dataset(series[:cut]), batch_size=45, shuffle=True)
val_loader = DataLoader(dataset(series[cut:]), batch_size=380)
model = Forecast()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(8):
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val = sum(nn.functional.mse_loss(model(x), y).item() for x, y in val_loader)
    print(f"epoch {epoch}: loss {loss.item():.3f}, val mse {val:.3f}")
