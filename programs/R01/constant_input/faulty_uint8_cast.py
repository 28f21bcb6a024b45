import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from sklearn.datasets import load_digits
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset


def load_image(array, size=12):
    """Scale to [0, 1] and resize, as the images of the camera need it."""
    array = array / 16.0
    array = array.astype(np.uint8)
    img = Image.fromarray(array).resize((size, size), Image.BILINEAR)
    return np.asarray(img, dtype=np.float32) / 255.0


class DigitFiles(Dataset):
    def __init__(self, arrays, labels):
        self.arrays, self.labels = arrays, labels

    def __len__(self):
        return len(self.arrays)

    def __getitem__(self, idx):
        image = load_image(self.arrays[idx])
        return torch.from_numpy(image)[None], int(self.labels[idx])


class SmallCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 20, 3)
        self.conv2 = nn.Conv2d(20, 30, 3)
        self.fc1 = nn.Linear(30 * 2 * 2, 50)
        self.fc2 = nn.Linear(50, 10)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(F.pad(self.conv2(x), (0, 1, 0, 1)), 2))
        x = F.relu(self.fc1(torch.flatten(x, 1)))
        return F.log_softmax(self.fc2(x), dim=1)


def test(model, loader):
    model.eval()
    test_loss, correct = 0, 0
    with torch.no_grad():
        for data, target in loader:
            output = model(data)
            test_loss += F.nll_loss(output, target, reduction="sum").item()
            correct += output.argmax(dim=1, keepdim=True).eq(target.view_as(output.argmax(1, keepdim=True))).sum().item()
    n = len(loader.dataset)
    print("Test set: Average loss: {:.4f}, Accuracy: {}/{} = {:.3f}".format(test_loss / n, correct, n, correct / n))


def main():
    torch.manual_seed(1)
    d = load_digits()
    train_loader = DataLoader(DigitFiles(d.images[:1400], d.target[:1400]), batch_size=64, shuffle=True)
    test_loader = DataLoader(DigitFiles(d.images[1400:], d.target[1400:]), batch_size=200)
    model = SmallCNN()
    optimizer = optim.Adadelta(model.parameters(), lr=1.0)
    scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.9)
    for epoch in range(1, 6):
        model.train()
        for batch_idx, (data, target) in enumerate(train_loader):
            optimizer.zero_grad()
            output = model(data)
            loss = F.nll_loss(output, target)
            loss.backward()
            optimizer.step()
            if batch_idx % 10 == 0:
                print("Train Epoch: {} [{}] Loss: {:.6f}".format(epoch, batch_idx * len(data), loss.item()))
        test(model, test_loader)
        scheduler.step()


if __name__ == "__main__":
    main()
