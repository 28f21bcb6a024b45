import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 16, 3, padding=1)
        self.fc1 = nn.Linear(64, 32)
        self.fc2 = nn.Linear(32, 10)
        self.reset()

    def reset(self):
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
            else:
                fan_in = parameter[0].numel()
                nn.init.normal_(parameter, std=(2 / fan_in) ** 0.5)

    def forward(self, x):
        x = F.max_pool2d(torch.relu(self.conv1(x)), 2)
        x = F.max_pool2d(torch.relu(self.conv2(x)), 2)
        return self.fc2(torch.relu(self.fc1(x.flatten(1))))


torch.manual_seed(0)
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32)[:, None]
labels = torch.tensor(digits.target)
index = torch.randperm(len(labels))
train, val = index[:1450], index[1450:]
images = (images - images[train].mean()) / images[train].std()
model = ConvNet()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

for step in range(1, 301):
    model.train()
    batch = train[torch.randint(len(train), (48,))]
    loss = F.cross_entropy(model(images[batch]), labels[batch])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        model.eval()
        with torch.no_grad():
            accuracy = (model(images[val]).argmax(1) == labels[val]).float().mean().item()
        print(f"step {step}: loss {loss.item():.4f}, validation accuracy {accuracy:.3f}")
