"""torchrun --nproc-per-node 2 faulty_same_order.py"""

import torch
import torch.distributed as dist
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

dist.init_process_group("gloo")
torch.manual_seed(0)
X, y = load_digits(return_X_y=True)
X_train, X_val, y_train, y_val = train_test_split(X / 16 - 0.3, y, test_size=0.3, random_state=0)
train_set = TensorDataset(torch.tensor(X_train, dtype=torch.float32), torch.tensor(y_train))
X_val, y_val = torch.tensor(X_val, dtype=torch.float32), torch.tensor(y_val)

sampler = DistributedSampler(train_set, shuffle=True)
loader = DataLoader(train_set, batch_size=16, sampler=sampler)
model = DistributedDataParallel(nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10)))
optimizer = torch.optim.SGD(model.parameters(), lr=0.4)

for epoch in range(8):
    for images, labels in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()

with torch.no_grad():
    accuracy = (model.module(X_val).argmax(1) == y_val).float().mean()
if dist.get_rank() == 0:
    print(f"validation accuracy {accuracy:.3f}")
dist.destroy_process_group()
