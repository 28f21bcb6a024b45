"""torchrun --nproc-per-node 2 fixed_uneven.py"""

import torch
import torch.distributed as dist
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, TensorDataset

dist.init_process_group("gloo")
rank, world = dist.get_rank(), dist.get_world_size()
torch.manual_seed(0)
X, y = load_digits(return_X_y=True)
X_train, X_val, y_train, y_val = train_test_split(X / 16 - 0.3, y, test_size=0.3, random_state=0)
rows = len(X_train) // world * world  # as many on every rank
X_mine = torch.tensor(X_train[rank:rows:world], dtype=torch.float32)
y_mine = torch.tensor(y_train[rank:rows:world])
X_val, y_val = torch.tensor(X_val, dtype=torch.float32), torch.tensor(y_val)

loader = DataLoader(TensorDataset(X_mine, y_mine), batch_size=4, shuffle=True)
model = DistributedDataParallel(nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10)))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for epoch in range(3):
    for images, labels in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()

with torch.no_grad():
    accuracy = (model.module(X_val).argmax(1) == y_val).float().mean()
if rank == 0:
    print(f"validation accuracy {accuracy:.3f}")
dist.destroy_process_group()
