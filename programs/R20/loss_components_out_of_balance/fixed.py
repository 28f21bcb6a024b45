import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)

digits = load_digits()
order = torch.randperm(len(digits.images))
images = torch.tensor(digits.images, dtype=torch.float32)[order].unsqueeze(1)
labels = torch.tensor(digits.target)[order]
ink = images.mean(dim=(1, 2, 3))
images = (images - images[:1400].mean()) / images[:1400].std()
ink = (ink - ink[:1400].mean()) / ink[:1400].std()


class MultiTask(nn.Module):
    """Names the digit and measures how much ink it took."""

    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(1, 12, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(108, 32),
            nn.ReLU(),
        )
        self.digit = nn.Linear(32, 10)
        self.ink = nn.Linear(32, 1)

    def forward(self, x):
        h = self.trunk(x)
        return self.digit(h), self.ink(h).squeeze(1)


model = MultiTask()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
ink_weight = 0.5
for epoch in range(8):
    model.train()
    for i in torch.randperm(1400).split(50):
        logits, predicted_ink = model(images[i])
        digit_loss = F.cross_entropy(logits, labels[i])
        ink_loss = F.mse_loss(predicted_ink, ink[i])
        loss = digit_loss + ink_weight * ink_loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        logits, predicted_ink = model(images[1400:])
        accuracy = (logits.argmax(1) == labels[1400:]).float().mean()
        ink_error = F.mse_loss(predicted_ink, ink[1400:])
    print(f"epoch {epoch}: loss {loss:.3f}, digit accuracy {accuracy:.3f}, ink mse {ink_error:.4f}")
