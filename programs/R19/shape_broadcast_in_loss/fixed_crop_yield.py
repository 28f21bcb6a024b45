import torch
from torch.nn import Sequential as Seq, Linear as Lin, Tanh
from torch.optim.lr_scheduler import ReduceLROnPlateau

torch.manual_seed(3)

n = 1400
rain = torch.rand(n)
sun = torch.rand(n)
nitrogen = torch.rand(n)
slope = torch.rand(n)
X = torch.stack([rain, sun, nitrogen, slope], dim=1)
y = (1.8 * rain + 1.1 * sun * nitrogen - 0.9 * slope
     + 0.4 * torch.sin(5 * nitrogen) + 0.05 * torch.randn(n))

mu, sd = X[:1024].mean(0), X[:1024].std(0)
X = (X - mu) / sd
X_train, y_train = X[:1024], y[:1024]
X_test, y_test = X[1024:], y[1024:]


def r2(pred, target):
    return (1 - ((pred - target) ** 2).sum() / ((target - target.mean()) ** 2).sum()).item()


m = Seq(Lin(4, 24), Tanh(), Lin(24, 1))

optim = torch.optim.SGD(m.parameters(), lr=10e-2, momentum=0.9)
scheduler = ReduceLROnPlateau(optim, 'min', factor=0.5, patience=20)
mse = torch.nn.MSELoss()

for epoch in range(400):
    optim.zero_grad()
    out = m(X_train)
    loss = mse(out, y_train.unsqueeze(1))
    loss.backward()
    optim.step()
    if epoch % 40 == 0:
        print(epoch, 'loss', round(loss.item(), 4), 'lr', optim.param_groups[0]['lr'])
    scheduler.step(loss.item())

m.eval()
with torch.no_grad():
    train_r2 = r2(m(X_train)[:, 0], y_train)
    test_r2 = r2(m(X_test)[:, 0], y_test)

print('sample predictions', [round(v, 3) for v in m(X_test[:5])[:, 0].tolist()])
print('sample targets    ', [round(v, 3) for v in y_test[:5].tolist()])
print(f'train R2 {train_r2:.3f}')
print(f'final test R2: {test_r2:.3f}')
