import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class RowReader(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(8, 32, batch_first=True)
        self.out = nn.Linear(32, 10)
        self.softmax = nn.Softmax(dim=1)

    def forward(self, images):
        states, _ = self.gru(images)
        return self.softmax(self.out(states[:, -1]))


torch.manual_seed(11)
images, labels = load_digits(return_X_y=True)
images = torch.tensor(images / 16, dtype=torch.float32).view(-1, 8, 8)
labels = torch.tensor(labels)
loader = DataLoader(TensorDataset(images[:1500], labels[:1500]), batch_size=64, shuffle=True)
model = RowReader()
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-6)
for epoch in range(6):
    losses = []
    for batch, target in loader:
        loss = loss_fn(model(batch), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(epoch, sum(losses) / len(losses))
with torch.no_grad():
    correct = (model(images[1500:]).argmax(1) == labels[1500:]).float().mean().item()
print(f"accuracy {correct:.3f}")
