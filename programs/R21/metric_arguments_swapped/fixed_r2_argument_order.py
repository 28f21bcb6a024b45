import numpy as np
import torch
from sklearn.datasets import load_diabetes
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from torch import nn

torch.manual_seed(100)
np.random.seed(100)

data, target = load_diabetes(return_X_y=True, scaled=False)
target = target.astype("float32")
print("rows, columns:", data.shape, " mean of the target: %.1f" % target.mean())
X_train, X_test, y_train, y_test = train_test_split(data, target, test_size=0.25, random_state=100)
prep = make_pipeline(StandardScaler(), PolynomialFeatures(2, interaction_only=True, include_bias=False))
X_train = torch.tensor(prep.fit_transform(X_train), dtype=torch.float32)
X_test = torch.tensor(prep.transform(X_test), dtype=torch.float32)
y_mean, y_std = y_train.mean(), y_train.std()
y_train_t = torch.tensor((y_train - y_mean) / y_std).unsqueeze(1)


class DiabetesNet(nn.Module):
    def __init__(self, in_features):
        super().__init__()
        self.layer1 = nn.Linear(in_features, 64)
        self.layer2 = nn.Linear(64, 32)
        self.out = nn.Linear(32, 1)
        self.dropout = nn.Dropout(0.3)

    def forward(self, x):
        x = self.dropout(torch.relu(self.layer1(x)))
        x = self.dropout(torch.relu(self.layer2(x)))
        return self.out(x)


def report(split, x, y):
    model.eval()
    with torch.no_grad():
        y_pred = model(x).squeeze(1).numpy() * y_std + y_mean
    r2 = r2_score(y, y_pred)
    print(f"{split} R2: {r2:.4f}  {split} MAE: {mean_absolute_error(y, y_pred):.2f}")


model = DiabetesNet(X_train.shape[1])
loss_function = nn.HuberLoss()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05)
batch_size = 16
for epoch in range(20):
    model.train()
    permutation = torch.randperm(X_train.size(0))
    for i in range(0, X_train.size(0), batch_size):
        rows = permutation[i : i + batch_size]
        optimizer.zero_grad()
        loss = loss_function(model(X_train[rows]), y_train_t[rows])
        loss.backward()
        optimizer.step()
    if (epoch + 1) % 5 == 0:
        print(f"Epoch [{epoch + 1}/20] loss {loss.item():.4f}")
        report("train", X_train, y_train)
report("test", X_test, y_test)
