"""Mean teacher on few labels: the teacher has no gradients and follows the student."""
import copy

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(1)
d = load_digits()
x, y = torch.tensor(d.data, dtype=torch.float32) / 16, torch.tensor(d.target)
labelled, unlabelled, test = torch.arange(0, 200), torch.arange(200, 1300), torch.arange(1300, 1797)
student = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.3), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))
teacher = copy.deepcopy(student).requires_grad_(False)
optimizer = torch.optim.Adam(student.parameters(), lr=2e-3)


def noisy(batch):
    return batch + 0.15 * torch.randn_like(batch)


@torch.no_grad()
def follow(decay=0.98):
    for t, s in zip(teacher.parameters(), student.parameters()):
        t.lerp_(s, 1 - decay)


for step in range(600):
    i, j = labelled[torch.randint(200, (25,))], unlabelled[torch.randint(1100, (50,))]
    supervised = nn.functional.cross_entropy(student(noisy(x[i])), y[i])
    with torch.no_grad():
        goal = teacher(noisy(x[j])).softmax(1)
    consistency = (student(noisy(x[j])).softmax(1) - goal).pow(2).sum(1).mean()
    loss = supervised + min(1.0, step / 300) * consistency
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    follow()
    if step % 150 == 149:
        teacher.eval()
        print(step + 1, "test accuracy of the teacher", (teacher(x[test]).argmax(1) == y[test]).float().mean().item())
        teacher.train()
