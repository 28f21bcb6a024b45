"""Fused logistic loss with its own backward."""
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn


class LogisticLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits, targets):
        ctx.save_for_backward(logits, targets)
        return (nn.functional.softplus(logits) - targets * logits).mean()

    @staticmethod
    def backward(ctx, grad):
        logits, targets = ctx.saved_tensors
        return grad * (torch.sigmoid(logits) - targets) / len(logits), None


torch.manual_seed(0)
x, y = load_breast_cancer(return_X_y=True)
x, x_val, y, y_val = train_test_split(x, y, test_size=0.3, stratify=y, random_state=0)
scaler = StandardScaler().fit(x)
x, x_val = (torch.tensor(scaler.transform(v), dtype=torch.float32) for v in (x, x_val))
y, y_val = torch.tensor(y).float(), torch.tensor(y_val).float()
model = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)

for epoch in range(15):
    model.train()
    for rows in torch.randperm(len(x)).split(33):
        loss = LogisticLoss.apply(model(x[rows]).squeeze(1), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        logits = model(x_val).squeeze(1)
    accuracy = ((logits > 0) == y_val.bool()).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} accuracy {accuracy:.4f}")
