import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 6), nn.Tanh(), nn.Linear(6, 6), nn.Tanh())
        self.decoder = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 10))

    def forward(self, pixels):
        return self.decoder(self.encoder(pixels))


torch.manual_seed(5)
pixels, digits = load_digits(return_X_y=True)
pixels = torch.tensor((pixels - 4.9) / 6.0, dtype=torch.float32)
train = TensorDataset(pixels[:1500], torch.tensor(digits[:1500]))
loader = DataLoader(train, batch_size=30, shuffle=True)
model = Classifier()
optimizer = torch.optim.SGD(
    [p for p in model.parameters() if p.requires_grad], lr=0.1, momentum=0.9, weight_decay=1e-4
)

for epoch in range(8):
    total = 0.0
    for batch, target in loader:
        loss = nn.functional.cross_entropy(model(batch), target)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(f"{epoch}: loss {total / len(loader):.3f}")
with torch.no_grad():
    print(f"accuracy {(model(pixels[1500:]).argmax(1) == torch.tensor(digits[1500:])).float().mean():.3f}")
