import torch
from sklearn.datasets import load_diabetes
from sklearn.metrics import r2_score
from torch import nn

torch.manual_seed(0)
data = load_diabetes()
order = torch.randperm(len(data.target))
X = torch.tensor(data.data, dtype=torch.float32)[order]
y = torch.tensor(data.target, dtype=torch.float32)[order]
X_train, X_test, y_train, y_test = X[:330], X[330:], y[:330], y[330:]
mean, std = X_train.mean(0), X_train.std(0)
X_train, X_test = (X_train - mean) / std, (X_test - mean) / std
centre, scale = y_train.mean(), y_train.std()

model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-3)
loss_fn = nn.MSELoss()


def evaluate(x, target):
    model.eval()
    with torch.no_grad():
        predicted = model(x).squeeze(1) * scale + centre
    return r2_score(predicted.numpy(), target.numpy())


for epoch in range(40):
    model.train()
    for rows in torch.randperm(330).split(33):
        optimizer.zero_grad()
        loss = loss_fn(model(X_train[rows]).squeeze(1), (y_train[rows] - centre) / scale)
        loss.backward()
        optimizer.step()
    if epoch % 10 == 9:
        print(f"epoch {epoch}: loss {loss.item():.4f} R2 {evaluate(X_test, y_test):.4f}")
