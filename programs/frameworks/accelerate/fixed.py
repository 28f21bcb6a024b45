import torch
from accelerate import Accelerator
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
X, y = load_diabetes(return_X_y=True)
X = torch.tensor(StandardScaler().fit(X[:350]).transform(X), dtype=torch.float32)
y = torch.tensor((y - y[:350].mean()) / y[:350].std(), dtype=torch.float32)

accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
train_loader = DataLoader(TensorDataset(X[:350], y[:350]), batch_size=16, shuffle=True)
val_loader = DataLoader(TensorDataset(X[350:], y[350:]), batch_size=92)
model, optimizer, train_loader, val_loader = accelerator.prepare(model, optimizer, train_loader, val_loader)
loss_function = nn.MSELoss()

for epoch in range(30):
    model.train()
    for inputs, target in train_loader:
        with accelerator.accumulate(model):
            loss = loss_function(model(inputs).squeeze(1), target)
            accelerator.backward(loss)
            accelerator.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()

model.eval()
with torch.no_grad():
    inputs, target = next(iter(val_loader))
    error = ((model(inputs).squeeze(1) - target) ** 2).mean()
print(f"explained variance {1 - error / target.var():.3f}")
