import torch
import torch.nn as nn
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

# 1) prepare data
bc = load_breast_cancer()
X, y = bc.data, bc.target
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=1234)
sc = StandardScaler()
X_train = sc.fit_transform(X_train)
X_test = sc.transform(X_test)
X_train = torch.from_numpy(X_train.astype("float32"))
X_test = torch.from_numpy(X_test.astype("float32"))
y_train = torch.from_numpy(y_train.astype("float32")).view(-1, 1)
y_test = torch.from_numpy(y_test.astype("float32")).view(-1, 1)
torch.manual_seed(0)


# 2) model
class BinaryNet(nn.Module):
    def __init__(self, n_input_features):
        super().__init__()
        self.l1 = nn.Linear(n_input_features, 24)
        self.l2 = nn.Linear(24, 12)
        self.l3 = nn.Linear(12, 1)

    def forward(self, x):
        x = torch.tanh(self.l1(x))
        x = torch.tanh(self.l2(x))
        return torch.sigmoid(self.l3(x))


model = BinaryNet(X.shape[1])

# 3) loss and optimizer
criterion = nn.BCELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)

# 4) training loop
for epoch in range(30):
    for batch in torch.randperm(len(X_train)).split(35):
        y_predicted = model(X_train[batch])
        loss = criterion(y_predicted, y_train[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if (epoch + 1) % 10 == 0:
        with torch.no_grad():
            acc = model(X_test).round().eq(y_test).sum() / float(y_test.shape[0])
        print(f"epoch: {epoch + 1}, loss = {loss.item():.4f}, accuracy = {acc:.4f}")
