import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(29)
images, labels = load_digits(return_X_y=True)
images = torch.tensor(images / 16, dtype=torch.float32)
labels = torch.tensor(labels)
order = torch.randperm(len(images))
train, validation = order[:1200], order[1200:]
loader = DataLoader(TensorDataset(images[train], labels[train]), batch_size=100, shuffle=True)

model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.8, weight_decay=1e-4)
for epoch in range(8):
    model.train()
    for batch, target in loader:
        loss = nn.functional.cross_entropy(model(batch), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        output = model(images[validation])
        loss = nn.functional.cross_entropy(output, labels[validation]).item()
        accuracy = (output.argmax(1) == labels[validation]).float().mean().item()
    print(f"epoch {epoch}: validation loss {loss:.3f} accuracy {accuracy:.3f}")
