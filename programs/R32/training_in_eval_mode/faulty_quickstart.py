import torch
from skimage.data import lfw_subset
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(7)
faces = torch.tensor(lfw_subset(), dtype=torch.float32).unsqueeze(1)
labels = torch.cat([torch.ones(100), torch.zeros(100)]).long()
order = torch.randperm(200)
training_data = TensorDataset(faces[order[:140]], labels[order[:140]])
test_data = TensorDataset(faces[order[140:]], labels[order[140:]])
train_dataloader = DataLoader(training_data, batch_size=20, shuffle=True)
test_dataloader = DataLoader(test_data, batch_size=60)


class NeuralNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv_stack = nn.Sequential(
            nn.Conv2d(1, 12, 5, stride=2), nn.BatchNorm2d(12), nn.ReLU(),
            nn.Conv2d(12, 24, 3, stride=2), nn.BatchNorm2d(24), nn.ReLU(),
            nn.Conv2d(24, 48, 3), nn.BatchNorm2d(48), nn.ReLU(),
            nn.Flatten(), nn.Dropout(0.5), nn.Linear(48 * 3 * 3, 2),
        )  # fmt: skip

    def forward(self, x):
        return self.conv_stack(x)


model = NeuralNetwork()
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)


def train(dataloader, model, loss_fn, optimizer):
    size = len(dataloader.dataset)
    for batch, (X, y) in enumerate(dataloader):
        pred = model(X)
        loss = loss_fn(pred, y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if batch % 3 == 0:
            print(f"loss: {loss.item():>7f}  [{(batch + 1) * len(X):>5d}/{size:>5d}]")


def test(dataloader, model, loss_fn):
    model.eval()
    test_loss, correct = 0, 0
    with torch.no_grad():
        for X, y in dataloader:
            pred = model(X)
            test_loss += loss_fn(pred, y).item()
            correct += (pred.argmax(1) == y).type(torch.float).sum().item()
    test_loss /= len(dataloader)
    correct /= len(dataloader.dataset)
    print(f"Test Error: \n Avg loss: {test_loss:>8f}, Accuracy: {correct:.3f}\n")


test(test_dataloader, model, loss_fn)
for t in range(12):
    print(f"Epoch {t + 1}\n-------------------------------")
    train(train_dataloader, model, loss_fn, optimizer)
    test(test_dataloader, model, loss_fn)
