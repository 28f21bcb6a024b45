# A classic: an Elman network reads a row of an image at a time and says which digit it is.
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

input_size = 8
hidden_size = 48
output_size = 10
batch_size = 30

digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32) / 16
labels = torch.tensor(digits.target)
train_loader = DataLoader(TensorDataset(images[:1380], labels[:1380]), batch_size, shuffle=True)
test_loader = DataLoader(TensorDataset(images[1380:1770], labels[1380:1770]), batch_size)

# look at one batch
input, target = next(iter(train_loader))
print("one batch:", tuple(input.shape), tuple(target.shape), "pixels from", input.min().item(), "to", input.max().item())


class RNN(nn.Module):
    def __init__(self, input_size, hidden_size, output_size):
        super(RNN, self).__init__()
        self.hidden_size = hidden_size
        self.i2h = nn.Linear(input_size + hidden_size, hidden_size)
        self.i2o = nn.Linear(input_size + hidden_size, output_size)

    def forward(self, x, hidden):
        combined = torch.cat((input[:, 0], hidden), 1)
        hidden = torch.tanh(self.i2h(combined))
        output = self.i2o(combined)
        return output, hidden

    def init_hidden(self, size):
        return torch.zeros(size, self.hidden_size)


rnn = RNN(input_size, hidden_size, output_size)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(rnn.parameters(), lr=0.005)


def read(rows):
    hidden = rnn.init_hidden(len(rows))
    for i in range(8):
        output, hidden = rnn(rows[:, i], hidden)
    return output


for epoch in range(15):
    total_loss = 0
    for rows, digit in train_loader:
        loss = criterion(read(rows), digit)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(rnn.parameters(), 1.0)
        optimizer.step()
        total_loss += loss.item()
    correct = 0
    with torch.no_grad():
        for rows, digit in test_loader:
            correct += (read(rows).argmax(1) == digit).sum().item()
    print(epoch + 1, "loss", round(total_loss / len(train_loader), 3), "test accuracy", round(correct / 390, 4))
