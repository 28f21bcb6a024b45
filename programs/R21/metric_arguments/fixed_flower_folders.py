import numpy as np
import torch
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset

rng = np.random.default_rng(102)
torch.manual_seed(102)

N_CLASSES = 24
centers = rng.normal(0, 1.3, (N_CLASSES, 12))


def collect(per_class):
    folders = {}
    for k in range(N_CLASSES):
        folders[str(k)] = [centers[k] + rng.normal(0, 0.7, 12) for _ in range(per_class)]
    return folders


class FolderData(Dataset):
    def __init__(self, folders):
        classes = sorted(folders)
        self.class_to_idx = {name: i for i, name in enumerate(classes)}
        self.classes = list(self.class_to_idx)
        self.samples = [(x, self.class_to_idx[name]) for name in self.classes for x in folders[name]]

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, i):
        x, y = self.samples[i]
        return torch.tensor(x, dtype=torch.float32), y


data = {'train': collect(60), 'valid': collect(15), 'test': collect(15)}
sets = {k: FolderData(v) for k, v in data.items()}
loaders = {k: DataLoader(v, batch_size=48, shuffle=(k == 'train')) for k, v in sets.items()}
classes = sets['train'].classes

model = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, N_CLASSES), nn.LogSoftmax(dim=1))
criterion = nn.NLLLoss()
optimizer = optim.Adam(model.parameters(), lr=3e-3)

for epoch in range(14):
    for phase in ['train', 'valid']:
        model.train(phase == 'train')
        running_loss, running_corrects = 0.0, 0
        for inputs, labels in loaders[phase]:
            optimizer.zero_grad()
            with torch.set_grad_enabled(phase == 'train'):
                outputs = model(inputs)
                loss = criterion(outputs, labels)
                if phase == 'train':
                    loss.backward()
                    optimizer.step()
            running_loss += loss.item() * inputs.size(0)
            running_corrects += (outputs.argmax(1) == labels).sum().item()
        size = len(sets[phase])
        if epoch % 3 == 1:
            print(f'{epoch} {phase} loss {running_loss / size:.4f} acc {running_corrects / size:.4f}')


def predict(sample):
    model.eval()
    with torch.no_grad():
        out = model(torch.tensor(sample, dtype=torch.float32)[None])
    return out.argmax(1).item()


hits, total = 0, 0
for folder in data['test']:
    for sample in data['test'][folder]:
        hits += classes[predict(sample)] == folder
        total += 1
print('checked', total, 'single samples')
print(f'final accuracy of single predictions: {hits / total:.3f}')
