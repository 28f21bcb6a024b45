import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(1)


class RowRNN(nn.Module):
    """Reads the eight rows of a digit one after the other."""

    def __init__(self, hidden=64):
        super().__init__()
        self.encode = nn.Linear(8, hidden)
        self.cell = nn.GRUCell(hidden, hidden)
        self.out = nn.Linear(hidden, 10)
        self.hidden = hidden

    def forward(self, image):
        h = torch.zeros(len(image), self.hidden)
        for row in image.unbind(dim=1):
            encoded = torch.relu(self.encode(row))
            h = self.cell(torch.zeros_like(encoded), h)
        return self.out(h)


digits = load_digits()
images, labels = torch.tensor(digits.images).float(), torch.tensor(digits.target)
order = torch.randperm(len(images))
train, val = order[:1400], order[1400:]
images = (images - images[train].mean()) / images[train].std()
train_loader = DataLoader(TensorDataset(images[train], labels[train]), batch_size=56, shuffle=True)

model = RowRNN()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(6):
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(images[val]).argmax(1) == labels[val]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f}, val accuracy {accuracy:.3f}")
