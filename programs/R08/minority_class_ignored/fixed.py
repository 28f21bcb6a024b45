"""Flag the patients whose disease will progress fastest (about one in fifteen)."""
import torch
from sklearn.datasets import load_diabetes
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
X, progress = load_diabetes(return_X_y=True, scaled=False)
label = (progress > 270).astype("int64")
X_train, X_val, y_train, y_val = train_test_split(X, label, test_size=0.3, random_state=0, stratify=label)
mean, std = X_train.mean(0), X_train.std(0)
X_train, X_val = torch.tensor((X_train - mean) / std).float(), torch.tensor((X_val - mean) / std).float()
y_train, y_val = torch.tensor(y_train), torch.tensor(y_val)
loader = DataLoader(TensorDataset(X_train, y_train), batch_size=25, shuffle=True)

model = nn.Sequential(nn.Linear(10, 4), nn.Tanh(), nn.Linear(4, 2))
weight = len(y_train) / (2.0 * torch.bincount(y_train))
criterion = nn.CrossEntropyLoss(weight=weight)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=3e-2)
for epoch in range(15):
    model.train()
    for xb, yb in loader:
        loss = criterion(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        predicted = model(X_val).argmax(1)
    accuracy = (predicted == y_val).float().mean().item()
    balanced = balanced_accuracy_score(y_val, predicted)
    print(f"epoch {epoch}: loss {loss.item():.3f} accuracy {accuracy:.3f} balanced accuracy {balanced:.3f}")
