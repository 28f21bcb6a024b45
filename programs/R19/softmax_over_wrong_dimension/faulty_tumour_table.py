# %% imports
import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

# %% data
torch.manual_seed(2021)
np.random.seed(2021)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
X, y = load_breast_cancer(return_X_y=True)
y = 1 - y  # 1: malignant
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, stratify=y, random_state=1)
scaler = StandardScaler()
X_train = scaler.fit_transform(X_train)
X_test = scaler.transform(X_test)

X_train = torch.tensor(X_train, dtype=torch.float32)
X_test = torch.tensor(X_test, dtype=torch.float32)
y_train = torch.tensor(y_train, dtype=torch.float32).unsqueeze(1)
y_test = torch.tensor(y_test, dtype=torch.float32).unsqueeze(1)
train_loader = torch.utils.data.DataLoader(
    torch.utils.data.TensorDataset(X_train, y_train), batch_size=32, shuffle=True
)


# %% model
class TumourNet(nn.Module):
    def __init__(self, n_features):
        super().__init__()
        self.fc1 = nn.Linear(n_features, 64)
        self.fc2 = nn.Linear(64, 32)
        self.out = nn.Linear(32, 1)
        self.relu = nn.ReLU()
        self.drop = nn.Dropout(0.2)

    def forward(self, x):
        x = self.drop(self.relu(self.fc1(x)))
        x = self.drop(self.relu(self.fc2(x)))
        return self.out(x)


model = TumourNet(X_train.shape[1]).to(device)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.001)

# %% training
history = []
for epoch in range(30):
    model.train()
    running = 0.0
    for xb, yb in train_loader:
        xb, yb = xb.to(device), yb.to(device)
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        running += loss.item()
    history.append(running / len(train_loader))
    if (epoch + 1) % 5 == 0:
        print(f"Epoch {epoch + 1}: loss {history[-1]:.4f}")

# %% evaluation
model.eval()
with torch.no_grad():
    pred = (torch.sigmoid(model(X_test.to(device))) > 0.5).float().cpu()
print(f"test accuracy {(pred == y_test).float().mean():.4f}  F1 {f1_score(y_test.numpy(), pred.numpy()):.4f}")
