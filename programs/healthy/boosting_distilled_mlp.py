"""Distil a gradient boosting model into a small network: the teacher labels invented rows, the student matches its odds."""
import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from torch import nn

rng = np.random.default_rng(4)
torch.manual_seed(4)
X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.35, random_state=4, stratify=y)
teacher = HistGradientBoostingClassifier(max_iter=60, learning_rate=0.08, max_leaf_nodes=8, l2_regularization=1.0)
teacher.fit(X_train, y_train)
centre, scale = X_train.mean(0), X_train.std(0)


def invent(n):
    """Mixes of two training rows of any class plus a little noise."""
    a, b = X_train[rng.integers(len(X_train), size=n)], X_train[rng.integers(len(X_train), size=n)]
    lam = rng.beta(0.4, 0.4, (n, 1))
    return lam * a + (1 - lam) * b + 0.1 * scale * rng.normal(size=a.shape)


def tensor(a):
    return torch.tensor((a - centre) / scale, dtype=torch.float32)


pool = np.concatenate([X_train, invent(6000)])
soft = torch.tensor(teacher.predict_proba(pool), dtype=torch.float32)
hard = torch.tensor(y_train)
inputs = tensor(pool)
n_real = len(X_train)

student = nn.Sequential(nn.Linear(30, 24), nn.SELU(), nn.Linear(24, 12), nn.SELU(), nn.Linear(12, 2))
for layer in student[::2]:
    nn.init.kaiming_normal_(layer.weight, nonlinearity="linear")
    nn.init.zeros_(layer.bias)
opt = torch.optim.Adam(student.parameters(), lr=3e-3)
sched = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(opt, T_0=5, T_mult=1, eta_min=1e-4)
TEMP = 2.0
soft_t = soft.pow(1 / TEMP)
soft_t = soft_t / soft_t.sum(1, keepdim=True)
for epoch in range(15):
    total = 0.0
    for idx in torch.randperm(len(inputs)).split(64):
        logits = student(inputs[idx])
        loss = nn.functional.kl_div(nn.functional.log_softmax(logits / TEMP, 1), soft_t[idx], reduction="batchmean") * TEMP**2
        real = idx[idx < n_real]
        if len(real):
            loss = loss + 0.1 * nn.functional.cross_entropy(logits[idx < n_real], hard[real])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item()
    sched.step()
    if epoch % 3 == 2:
        with torch.no_grad():
            p = student(tensor(X_test)).softmax(1).numpy()
        print(f"epoch {epoch + 1:2d} loss {total / (len(inputs) / 64):.4f} student accuracy {accuracy_score(y_test, p.argmax(1)):.4f}")
q = teacher.predict_proba(X_test)
print(f"teacher accuracy {accuracy_score(y_test, q.argmax(1)):.4f} log loss {log_loss(y_test, q):.4f}")
print(f"student accuracy {accuracy_score(y_test, p.argmax(1)):.4f} log loss {log_loss(y_test, p):.4f} "
      f"agreement {np.mean(p.argmax(1) == q.argmax(1)):.4f}")
