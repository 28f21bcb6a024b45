import torch
import torch.nn as nn
from sklearn.metrics import f1_score

torch.manual_seed(2)
X = torch.randn(4000, 40)
Y = (X @ torch.randn(40, 8) / 40**0.5 + 0.1 * torch.randn(4000, 8) > 0.4).float()

model = nn.Sequential(
    nn.Linear(40, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Dropout(0.1), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 8)
)
loss_fn = nn.BCEWithLogitsLoss()
opt = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=12)
for epoch in range(12):
    model.train()
    running = 0.0
    for idx in torch.randperm(3200).split(64):
        opt.zero_grad()
        out = model(X[idx])
        loss = loss_fn(out, Y[idx])
        loss.backward()
        opt.step()
        running += loss.item() * len(idx)
    sched.step()
    model.eval()
    with torch.no_grad():
        predicted = torch.sigmoid(model(X[3200:])) > 0.5
    print(f"{epoch:2d} loss {running / 3200:.4f} micro F1 {f1_score(Y[3200:], predicted, average='micro'):.4f}")
