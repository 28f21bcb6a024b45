import torch
import torch.nn.functional as F
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler


def load(seed=0):
    data = load_breast_cancer()
    xtr, xte, ytr, yte = train_test_split(data.data, data.target, test_size=0.3, random_state=seed,
                                          stratify=data.target)
    sc = StandardScaler().fit(xtr)
    f = lambda a: torch.as_tensor(sc.transform(a), dtype=torch.float32)
    return f(xtr), torch.as_tensor(ytr).float(), f(xte), torch.as_tensor(yte).float()


def make_model(d):
    return torch.nn.Sequential(
        torch.nn.Linear(d, 32), torch.nn.Tanh(), torch.nn.Dropout(0.1),
        torch.nn.Linear(32, 16), torch.nn.Tanh(),
        torch.nn.Linear(16, 1),
    )


def iterate(x, y, size):
    idx = torch.randperm(len(x))
    x = x[idx]
    for start in range(0, len(x), size):
        yield x[start:start + size], y[start:start + size]


def evaluate(model, x, y):
    model.eval()
    with torch.no_grad():
        p = torch.sigmoid(model(x).squeeze(1))
    return ((p > 0.5).float() == y).float().mean().item(), roc_auc_score(y.numpy(), p.numpy())


def train(epochs=60, lr=5e-3, batch=32):
    torch.manual_seed(1)
    xtr, ytr, xte, yte = load()
    model = make_model(xtr.shape[1])
    opt = torch.optim.RMSprop(model.parameters(), lr=lr)
    for ep in range(1, epochs + 1):
        model.train()
        tot = 0.0
        for xb, yb in iterate(xtr, ytr, batch):
            opt.zero_grad()
            loss = F.binary_cross_entropy_with_logits(model(xb).squeeze(1), yb)
            loss.backward()
            opt.step()
            tot += loss.item() * len(xb)
        if ep % 5 == 0:
            acc, auc = evaluate(model, xte, yte)
            print(f"[{ep:03d}] loss={tot / len(xtr):.4f} val_acc={acc:.3f} val_auc={auc:.3f}")


if __name__ == "__main__":
    train()
