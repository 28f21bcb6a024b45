# %% setup
import torch
from sklearn.datasets import load_digits

torch.manual_seed(0)
digits = load_digits()
features = torch.tensor(digits.data, dtype=torch.float32)
features = (features - features.mean()) / features.std()
labels = torch.tensor(digits.target)

# %% a deep classifier
width, depth = 64, 8
layers = [torch.nn.Linear(64, width)]
for _ in range(depth):
    layers += [torch.nn.ReLU(), torch.nn.Linear(width, width)]
layers += [torch.nn.ReLU(), torch.nn.Linear(width, 10)]
clf = torch.nn.Sequential(*layers)
sum(p.numel() for p in clf.parameters())

# %% train
opt = torch.optim.Adam(clf.parameters(), lr=2e-3)
lossfn = torch.nn.CrossEntropyLoss()
history = []
for epoch in range(15):
    for batch in torch.randperm(1400).split(100):
        opt.zero_grad()
        loss = lossfn(clf(features[batch]), labels[batch])
        loss.backward()
        opt.step()
        history.append(loss.item())

# %% evaluate
with torch.no_grad():
    acc = (clf(features[1400:]).argmax(1) == labels[1400:]).float().mean()
print(f"first loss {history[0]:.3f}, last loss {history[-1]:.3f}, accuracy {acc.item():.3f}")
