import torch
from torch import nn

torch.manual_seed(2)


def leaky_integral(count, length=40):
    x, y = torch.randn(count, length, 1), torch.zeros(count, 1)
    for step in range(length):
        y = 0.9 * y + 0.4 * x[:, step]
    return x, y


class Integrator(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.rnn = nn.RNN(1, width, nonlinearity="relu", batch_first=True)
        self.out = nn.Linear(width, 1)
        nn.init.orthogonal_(self.rnn.weight_hh_l0, gain=1.1)

    def forward(self, x):
        return self.out(self.rnn(x)[0][:, -1])


x, y = leaky_integral(600)
x_val, y_val = leaky_integral(200)
model = Integrator()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(4):
    for rows in torch.randperm(600).split(40):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    with torch.no_grad():
        error = (model(x_val) - y_val).square().mean() / y_val.var()
    print(f"epoch {epoch}: validation R2 {1 - error:.3f}")
