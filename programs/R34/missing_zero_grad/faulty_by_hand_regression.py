import numpy as np
import torch

torch.manual_seed(2017)

# %% read the points
x_train = np.linspace(-3, 3, 60, dtype=np.float32)
y_train = (0.9 + 0.5 * x_train + 3.0 * x_train**2 + 2.4 * x_train**3).astype(np.float32)
x_all = np.stack([x_train**i for i in range(1, 4)], axis=1)
x_all = (x_all - x_all.mean(0)) / x_all.std(0)
x_all, y_all = torch.from_numpy(x_all), torch.from_numpy((y_train / y_train.std())[:, None])

# %% the weights of the polynomial
w = torch.randn((3, 1), requires_grad=True)
b = torch.zeros((1,), requires_grad=True)


def multi_linear(x):
    return torch.mm(x, w) + b


def get_loss(x, y):
    return torch.mean((x - y) ** 2)


# %% 100 updates
for e in range(100):
    y_pred = multi_linear(x_all)
    loss = get_loss(y_pred, y_all)
    loss.backward()
    w.data = w.data - 0.1 * w.grad.data
    b.data = b.data - 0.1 * b.grad.data
    if (e + 1) % 20 == 0:
        print("epoch {}, Loss: {:.5f}".format(e + 1, loss.item()))
