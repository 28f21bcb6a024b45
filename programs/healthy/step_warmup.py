import math
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.manual_seed(50)
np.random.seed(50)

config = {'epochs': 16, 'batch_size': 32, 'lr': 4e-3, 'warmup_steps': 120, 'weight_decay': 1e-2}

data, target = load_digits(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(data, target, test_size=0.25, stratify=target, random_state=50)
mean, std = x_train.mean(0), x_train.std(0) + 1e-3


def as_tensor(x):
    return torch.tensor((x - mean) / std, dtype=torch.float32).clamp(-5, 5)


train_set = TensorDataset(as_tensor(x_train), torch.tensor(y_train))
train_dl = DataLoader(train_set, batch_size=config['batch_size'], shuffle=True, drop_last=True)
xt, yt = as_tensor(x_test), torch.tensor(y_test)

total_steps = config['epochs'] * len(train_dl)


def lr_at(step):
    if step < config['warmup_steps']:
        return (step + 1) / config['warmup_steps'] * 0.5 ** (5 * (1 - step / config['warmup_steps']))
    done = (step - config['warmup_steps']) / (total_steps - config['warmup_steps'])
    return 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))


class ResBlock(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.norm = nn.LayerNorm(d)
        self.up = nn.Linear(d, 2 * d)
        self.down = nn.Linear(2 * d, d)
        nn.init.zeros_(self.down.weight)
        nn.init.zeros_(self.down.bias)

    def forward(self, x):
        return x + self.down(nn.functional.gelu(self.up(self.norm(x))))


inner_model = nn.Sequential(nn.Linear(64, 64), ResBlock(64), ResBlock(64), nn.LayerNorm(64), nn.Linear(64, 10))
nn.init.zeros_(inner_model[-1].weight)
opt = torch.optim.AdamW(inner_model.parameters(), lr=config['lr'], weight_decay=config['weight_decay'])
sched = torch.optim.lr_scheduler.LambdaLR(opt, lr_at)


def test_accuracy():
    inner_model.eval()
    with torch.no_grad():
        return (inner_model(xt).argmax(1) == yt).float().mean().item()


step = 0
for epoch in range(config['epochs']):
    inner_model.train()
    for xb, yb in train_dl:
        opt.zero_grad()
        loss = nn.functional.cross_entropy(inner_model(xb), yb)
        loss.backward()
        opt.step()
        sched.step()
        if step % 60 == 0:
            print(f"Epoch: {epoch}, step: {step}, lr: {opt.param_groups[0]['lr']:.2e}, loss: {loss.item():g}")
        step += 1

print(f'final test accuracy: {test_accuracy():.3f}')
