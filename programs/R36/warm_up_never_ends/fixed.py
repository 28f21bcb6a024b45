import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

torch.manual_seed(0)
x, y = load_digits(return_X_y=True)
order = torch.randperm(len(y))
x, y = torch.tensor(x[order.numpy()] / 16).float().view(-1, 1, 8, 8), torch.tensor(y)[order]
x_train, y_train, x_test, y_test = x[:1400], y[:1400], x[1400:], y[1400:]

model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(),
    nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10),
)
epochs, batch_size = 12, 70
total = epochs * len(x_train) // batch_size
warmup = int(0.1 * total)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
scheduler = SequentialLR(
    optimizer,
    [LinearLR(optimizer, start_factor=1e-3, total_iters=warmup), CosineAnnealingLR(optimizer, T_max=total - warmup)],
    milestones=[warmup],
)
for epoch in range(epochs):
    model.train()
    for rows in torch.randperm(len(x_train)).split(batch_size):
        loss = nn.functional.cross_entropy(model(x_train[rows]), y_train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x_test).argmax(1) == y_test).float().mean().item()
    print(f"epoch {epoch} rate {scheduler.get_last_lr()[0]:.5f} loss {loss.item():.4f} accuracy {accuracy:.4f}")
