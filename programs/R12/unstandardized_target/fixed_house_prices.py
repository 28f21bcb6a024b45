"""Predict house prices with a neural network."""
import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

np.random.seed(42)
torch.manual_seed(42)


def load_houses(n=1500):
    area = np.random.gamma(9, 18, n)
    rooms = np.clip(np.round(area / 30 + np.random.normal(0, 0.8, n)), 1, 9)
    age = np.random.uniform(0, 90, n)
    distance = np.random.exponential(6, n)
    lot = area * np.random.uniform(1, 6, n)
    garage = np.random.rand(n) < 0.55
    condition = np.random.randint(1, 6, n)
    price = 1900 * area * np.exp(-0.03 * distance) * (1 - 0.004 * age) * (0.8 + 0.07 * condition)
    price += 22_000 * garage + 45 * lot
    price *= np.exp(np.random.normal(0, 0.07, n))
    return np.column_stack([area, rooms, age, distance, lot, garage, condition]), np.round(price, -2)


X, y = load_houses()
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=42)

x_scaler = StandardScaler()
X_train = x_scaler.fit_transform(X_train)
X_test = x_scaler.transform(X_test)
y_scaler = StandardScaler()
y_train = y_scaler.fit_transform(y_train.reshape(-1, 1))

X_train = torch.FloatTensor(X_train)
y_train = torch.FloatTensor(y_train).view(-1, 1)
X_test = torch.FloatTensor(X_test)


class HousePriceModel(nn.Module):
    def __init__(self, input_size):
        super(HousePriceModel, self).__init__()
        self.layer1 = nn.Linear(input_size, 64)
        self.layer2 = nn.Linear(64, 32)
        self.layer3 = nn.Linear(32, 1)

    def forward(self, x):
        x = torch.relu(self.layer1(x))
        x = torch.relu(self.layer2(x))
        return self.layer3(x)


device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
model = HousePriceModel(X_train.shape[1]).to(device)
criterion = nn.MSELoss()
optimizer = optim.Adam(model.parameters(), lr=0.001)

num_epochs, batch_size = 40, 32
for epoch in range(num_epochs):
    model.train()
    permutation = torch.randperm(X_train.size(0))
    epoch_loss = 0.0
    for i in range(0, X_train.size(0), batch_size):
        idx = permutation[i : i + batch_size]
        batch_x, batch_y = X_train[idx].to(device), y_train[idx].to(device)
        optimizer.zero_grad()
        outputs = model(batch_x)
        loss = criterion(outputs, batch_y)
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() * len(idx)
    if (epoch + 1) % 10 == 0:
        print(f"Epoch [{epoch + 1}/{num_epochs}], Loss: {epoch_loss / len(X_train):.4f}")

model.eval()
with torch.no_grad():
    predictions = model(X_test.to(device)).cpu().numpy()
predictions = y_scaler.inverse_transform(predictions)
print(f"Test R2: {r2_score(y_test, predictions):.4f}  mean price {y_test.mean():.0f}  mean prediction {predictions.mean():.0f}")
