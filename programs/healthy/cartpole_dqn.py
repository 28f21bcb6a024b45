import math
import random
from collections import deque
import numpy as np
import torch
import torch.nn as nn

random.seed(2)
np.random.seed(2)
torch.manual_seed(2)


class Pole:
    def reset(self):
        self.s = np.random.uniform(-0.05, 0.05, 4)
        self.t = 0
        return self.s.copy()

    def step(self, a):
        x, v, th, w = self.s
        force = 10.0 if a == 1 else -10.0
        c, s = math.cos(th), math.sin(th)
        temp = (force + 0.05 * w * w * s) / 1.1
        acc = (9.8 * s - c * temp) / (0.5 * (4.0 / 3.0 - 0.1 * c * c / 1.1))
        xacc = temp - 0.05 * acc * c / 1.1
        self.s = np.array([x + 0.02 * v, v + 0.02 * xacc, th + 0.02 * w, w + 0.02 * acc])
        self.t += 1
        fallen = abs(self.s[0]) > 2.4 or abs(self.s[2]) > 0.2095
        return self.s.copy(), 1.0, fallen, self.t >= 200


def make_net():
    return nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))


q_net, target_net = make_net(), make_net()
target_net.load_state_dict(q_net.state_dict())
optimizer = torch.optim.Adam(q_net.parameters(), lr=1e-3)
buffer = deque(maxlen=10000)
env = Pole()
gamma = 0.99


def act(state, eps):
    if random.random() < eps:
        return random.randrange(2)
    with torch.no_grad():
        return int(q_net(torch.tensor(state, dtype=torch.float32)).argmax())


def learn():
    batch = random.sample(buffer, 64)
    s, a, r, s2, d = zip(*batch)
    s = torch.tensor(np.array(s), dtype=torch.float32)
    s2 = torch.tensor(np.array(s2), dtype=torch.float32)
    a, r, d = torch.tensor(a), torch.tensor(r), torch.tensor(d, dtype=torch.float32)
    with torch.no_grad():
        best = q_net(s2).argmax(1, keepdim=True)
        target = r + gamma * (1 - d) * target_net(s2).gather(1, best).squeeze(1)
    value = q_net(s).gather(1, a.unsqueeze(1)).squeeze(1)
    loss = nn.functional.smooth_l1_loss(value, target)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(q_net.parameters(), 10.0)
    optimizer.step()
    with torch.no_grad():
        for p, tp in zip(q_net.parameters(), target_net.parameters()):
            tp.mul_(0.99).add_(p, alpha=0.01)
    return loss.item(), value.mean().item()


def evaluate(episodes=8):
    lengths = []
    for _ in range(episodes):
        s, done = env.reset(), False
        while not done:
            s, _, fallen, timeout = env.step(act(s, 0.0))
            done = fallen or timeout
        lengths.append(env.t)
    return float(np.mean(lengths))


steps, eps = 0, 1.0
log_loss, log_q, lengths = [], [], []
state = env.reset()
while steps < 6000:
    action = act(state, eps)
    nxt, reward, fallen, timeout = env.step(action)
    buffer.append((state, action, reward, nxt, float(fallen)))
    state = nxt
    if fallen or timeout:
        lengths.append(env.t)
        state = env.reset()
    steps += 1
    eps = max(0.02, 1.0 - steps / 2500)
    optimizer.param_groups[0]['lr'] = 1e-3 * max(0.05, 1 - steps / 6000)
    if len(buffer) >= 500:
        l, q = learn()
        log_loss.append(l)
        log_q.append(q)
    if steps % 1000 == 0:
        print(f'steps {steps}: loss {np.mean(log_loss[-500:]):.4f} mean q {np.mean(log_q[-500:]):.2f} '
              f'episode length {np.mean(lengths[-10:]):.1f}')

print(f'final mean episode length: {evaluate():.1f}')
