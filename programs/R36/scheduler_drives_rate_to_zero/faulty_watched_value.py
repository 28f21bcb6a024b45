import torch
from sklearn.datasets import make_friedman2
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn

torch.manual_seed(6)
x, y = make_friedman2(n_samples=1200, noise=20.0, random_state=6)
x_train, x_val, y_train, y_val = train_test_split(x, y[:, None], test_size=0.25, random_state=6)
x_scaler, y_scaler = StandardScaler().fit(x_train), StandardScaler().fit(y_train)
x_train, x_val = (torch.tensor(x_scaler.transform(a), dtype=torch.float32) for a in (x_train, x_val))
y_train, y_val = (torch.tensor(y_scaler.transform(a), dtype=torch.float32) for a in (y_train, y_val))

net = nn.Sequential(nn.Linear(4, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.8)
plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.2, patience=1)
history = {"loss": [], "R2": []}

for epoch in range(1, 31):
    net.train()
    running = 0.0
    for rows in torch.randperm(len(x_train)).split(30):
        optimizer.zero_grad()
        loss = nn.functional.huber_loss(net(x_train[rows]), y_train[rows])
        loss.backward()
        optimizer.step()
        running += loss.item() * len(rows)
    net.eval()
    with torch.no_grad():
        residual = net(x_val) - y_val
        history["loss"].append(nn.functional.huber_loss(net(x_val), y_val).item())
        history["R2"].append(1 - residual.square().sum().item() / (y_val - y_val.mean()).square().sum().item())
    plateau.step(history["R2"][-1])
    if epoch % 6 == 0:
        rate = optimizer.param_groups[0]["lr"]
        print(f"{epoch:>2}: lr {rate:.1e}, train {running / len(x_train):.4f}, val R2 {history['R2'][-1]:.4f}")
