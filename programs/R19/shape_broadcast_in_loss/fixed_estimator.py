import torch
from sklearn.datasets import load_diabetes
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, Dataset


class TableDataset(Dataset):
    def __init__(self, X, y):
        self.X = torch.as_tensor(X, dtype=torch.float32)
        self.y = torch.as_tensor(y, dtype=torch.float32)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.X[i], self.y[i]


class MLPRegressor:
    def __init__(self, hidden=(64, 32), num_epochs=30, batch_size=16, lr=2e-3, random_state=0):
        self.hidden, self.num_epochs, self.batch_size, self.lr = hidden, num_epochs, batch_size, lr
        self.random_state = random_state

    def _build_network(self, n_features):
        layers, width = [], n_features
        for h in self.hidden:
            layers += [nn.Linear(width, h), nn.ReLU()]
            width = h
        return nn.Sequential(*layers, nn.Linear(width, 1))

    def fit(self, X, y):
        torch.manual_seed(self.random_state)
        self.network_ = self._build_network(X.shape[1])
        self._criterion = nn.MSELoss()
        self._optimizer = torch.optim.Adam(self.network_.parameters(), lr=self.lr)
        loader = DataLoader(TableDataset(X, y), batch_size=self.batch_size, shuffle=True)
        for _ in range(self.num_epochs):
            self.loss_ = self._run_epoch(loader)
        return self

    def _run_epoch(self, loader):
        losses = []
        for inputs, outputs in loader:
            y_pred = self.network_(inputs)
            loss = self._criterion(y_pred.squeeze(-1), outputs)
            self._optimizer.zero_grad()
            loss.backward()
            self._optimizer.step()
            losses.append(loss.item())
        return sum(losses) / len(losses)

    def predict(self, X):
        with torch.no_grad():
            return self.network_(torch.as_tensor(X, dtype=torch.float32)).squeeze(-1).numpy()


X, y = load_diabetes(return_X_y=True)
y = (y - y.mean()) / y.std()
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=1)
scaler = StandardScaler().fit(X_train)
model = MLPRegressor().fit(scaler.transform(X_train), y_train)
print("final training loss", round(model.loss_, 4))
print(f"R2 on the test set: {r2_score(y_test, model.predict(scaler.transform(X_test))):.3f}")
