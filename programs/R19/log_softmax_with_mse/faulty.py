import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split

torch.manual_seed(0)

X, y = load_iris(return_X_y=True)
X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.3, random_state=0, stratify=y)
mean, std = X_train.mean(axis=0), X_train.std(axis=0)
X_train = torch.tensor((X_train - mean) / std, dtype=torch.float32)
X_val = torch.tensor((X_val - mean) / std, dtype=torch.float32)
Y_train = F.one_hot(torch.tensor(y_train), 3).float()
Y_val = F.one_hot(torch.tensor(y_val), 3).float()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(4, 20)
        self.fc2 = nn.Linear(20, 20)
        self.fc3 = nn.Linear(20, 3)

    def forward(self, x):
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return F.log_softmax(self.fc3(x), dim=1)


net = Net()
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)

for epoch in range(40):
    permutation = torch.randperm(len(X_train))
    for i in range(0, len(X_train), 21):
        index = permutation[i : i + 21]
        optimizer.zero_grad()
        loss = criterion(net(X_train[index]), Y_train[index])
        loss.backward()
        optimizer.step()
    if epoch % 5 == 4:
        with torch.no_grad():
            output = net(X_val)
            accuracy = (output.argmax(1) == Y_val.argmax(1)).float().mean()
            mse = criterion(output, Y_val)
        print(f"epoch {epoch + 1}: validation mse {mse:.4f}, accuracy {accuracy:.3f}")
