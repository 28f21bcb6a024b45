import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

# Hyper-parameters
sequence_length = 8
input_size = 8
hidden_size = 48
num_layers = 1
num_classes = 10
batch_size = 60
num_epochs = 8
learning_rate = 0.005

torch.manual_seed(21)
digits = load_digits()
x = torch.tensor(digits.images, dtype=torch.float32) / 16.0
y = torch.tensor(digits.target)
train_loader = DataLoader(TensorDataset(x[:1380], y[:1380]), batch_size=batch_size, shuffle=True)
test_loader = DataLoader(TensorDataset(x[1380:], y[1380:]), batch_size=batch_size, shuffle=False)


# Recurrent neural network (many-to-one)
class RNN(nn.Module):
    def __init__(self, input_size, hidden_size, num_layers, num_classes):
        super(RNN, self).__init__()
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.lstm = nn.LSTM(input_size, hidden_size, num_layers, batch_first=True)
        self.fc = nn.Linear(hidden_size, num_classes)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.fc(out[:, -1, :])


model = RNN(input_size, hidden_size, num_layers, num_classes)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
for epoch in range(num_epochs):
    for i, (images, labels) in enumerate(train_loader):
        outputs = model(images.reshape(-1, sequence_length, input_size))
        loss = criterion(outputs, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("Epoch [{}/{}], Loss: {:.4f}".format(epoch + 1, num_epochs, loss.item()))

model.eval()
with torch.no_grad():
    correct = 0
    for images, labels in test_loader:
        correct += (model(images.reshape(-1, sequence_length, input_size)).argmax(1) == labels).sum().item()
    print("Test Accuracy of the model on the test images: {:.3f}".format(correct / len(y[1380:])))
