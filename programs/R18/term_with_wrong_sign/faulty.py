import torch
import torch.nn.functional as F
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x, y = load_wine(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.3, stratify=y, random_state=0)
scaler = StandardScaler().fit(x_train)
x_train, x_test = (torch.tensor(scaler.transform(part), dtype=torch.float32) for part in (x_train, x_test))
y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)


class SparseCode(nn.Module):
    def __init__(self, code=32):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(13, 64), nn.ReLU(), nn.Linear(64, code))
        self.decoder = nn.Sequential(nn.Linear(code, 64), nn.ReLU(), nn.Linear(64, 13))
        self.classifier = nn.Linear(code, 3)

    def forward(self, x):
        code = self.encoder(x)
        return self.classifier(F.relu(code)), self.decoder(F.relu(code)), code


def sparsity(code):
    return code.pow(2).sum(1).mean()


net = SparseCode()
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(40):
    net.train()
    for inputs, labels in DataLoader(TensorDataset(x_train, y_train), batch_size=32, shuffle=True):
        logits, restored, code = net(inputs)
        loss = F.cross_entropy(logits, labels) + F.mse_loss(restored, inputs) - 0.01 * sparsity(code)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        logits, restored, _ = net(x_test)
    accuracy = (logits.argmax(1) == y_test).float().mean().item()
    print(f"epoch {epoch}: accuracy {accuracy:.4f}, restored with error {F.mse_loss(restored, x_test).item():.4f}")
