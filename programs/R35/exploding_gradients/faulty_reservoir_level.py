import numpy as np
import torch
import torch.nn as nn

seed = 3
np.random.seed(seed)
torch.manual_seed(seed)

h_dim = 40
clip = 1.0
learning_rate = 0.02
n_epochs = 15
seq_len = 60


def inflows(n):
    rain = np.random.gamma(0.6, 1.0, (n, seq_len)).astype(np.float32)
    gate = (np.random.rand(n, seq_len) < 0.3).astype(np.float32)
    level = np.zeros(n, dtype=np.float32)
    for t in range(seq_len):
        level = 0.97 * level + 0.5 * rain[:, t] - 0.4 * gate[:, t]
    return np.stack([rain, gate], axis=2), level


x_train, y_train = inflows(1500)
x_test, y_test = inflows(300)
center, scale = y_train.mean(), y_train.std()
x_train, x_test = torch.from_numpy(x_train), torch.from_numpy(x_test)
y_train = torch.from_numpy((y_train - center) / scale)
y_test = torch.from_numpy((y_test - center) / scale)


class LevelRNN(nn.Module):
    def __init__(self, x_dim, h_dim):
        super(LevelRNN, self).__init__()
        self.rnn = nn.RNN(x_dim, h_dim, nonlinearity='relu', batch_first=True)
        self.dec = nn.Linear(h_dim, 1)
        with torch.no_grad():
            self.rnn.weight_hh_l0.copy_(torch.eye(h_dim))
            self.rnn.weight_ih_l0.normal_(0, 0.05)
            self.rnn.bias_hh_l0.zero_()
            self.rnn.bias_ih_l0.zero_()

    def forward(self, x):
        out, h = self.rnn(x)
        return self.dec(h[-1]).squeeze(1)


model = LevelRNN(2, h_dim)
optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate, momentum=0.9)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=5, gamma=0.4)
criterion = nn.MSELoss()


def test_r2():
    model.eval()
    with torch.no_grad():
        pred = model(x_test)
    return (1 - ((pred - y_test) ** 2).sum() / ((y_test - y_test.mean()) ** 2).sum()).item()


for epoch in range(n_epochs):
    model.train()
    losses = []
    perm = torch.randperm(len(x_train))
    for i in range(0, len(perm), 50):
        idx = perm[i:i + 50]
        optimizer.zero_grad()
        loss = criterion(model(x_train[idx]), y_train[idx])
        loss.backward()
        optimizer.step()
        torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        losses.append(loss.item())
    scheduler.step()
    print('epoch:', epoch, 'mean_loss =', round(float(np.mean(losses)), 4), 'r2 =', round(test_r2(), 3))

print('final test R2: {:.3f}'.format(test_r2()))
