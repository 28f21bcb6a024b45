"""torchrun --nproc-per-node 2 fixed_one_rank_nan.py"""

import numpy as np
import torch
import torch.distributed as dist
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, TensorDataset

dist.init_process_group("gloo")
rank, world = dist.get_rank(), dist.get_world_size()
torch.manual_seed(0)
X, y = load_diabetes(return_X_y=True)
X = (X - X.mean(0)) / X.std(0)
y = (y - y.mean()) / y.std()
X[200:330:40, 2] = np.nan  # patients whose body mass index was not taken
X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.25, shuffle=False)
shard = np.array_split(np.arange(len(X_train)), world)[rank]
X_mine = torch.tensor(np.nan_to_num(X_train[shard]), dtype=torch.float32)
y_mine = torch.tensor(y_train[shard], dtype=torch.float32)
X_val, y_val = torch.tensor(np.nan_to_num(X_val), dtype=torch.float32), torch.tensor(y_val, dtype=torch.float32)

loader = DataLoader(TensorDataset(X_mine, y_mine), batch_size=16, shuffle=True, drop_last=True)
model = DistributedDataParallel(nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1)))
optimizer = torch.optim.Adam(model.parameters(), lr=0.003)

for epoch in range(10):
    for rows, targets in loader:
        optimizer.zero_grad()
        loss = F.mse_loss(model(rows).squeeze(1), targets)
        loss.backward()
        optimizer.step()

with torch.no_grad():
    error = F.mse_loss(model.module(X_val).squeeze(1), y_val)
if rank == 0:
    print(f"validation error {error:.3f}")
dist.destroy_process_group()
