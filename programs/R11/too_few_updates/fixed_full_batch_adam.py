import torch
import torch.nn as nn
from sklearn.datasets import load_digits

device = "cuda" if torch.cuda.is_available() else "cpu"
RANDOM_SEED = 42
torch.manual_seed(RANDOM_SEED)
X, y = load_digits(return_X_y=True)
X, y = torch.from_numpy(X).type(torch.float) / 16, torch.from_numpy(y).type(torch.LongTensor)
X_train, X_test, y_train, y_test = X[:1400].to(device), X[1400:].to(device), y[:1400].to(device), y[1400:].to(device)


class DigitModel(nn.Module):
    def __init__(self, input_features, output_features, hidden_units=64):
        super().__init__()
        self.linear_layer_stack = nn.Sequential(
            nn.Linear(input_features, hidden_units),
            nn.ReLU(),
            nn.Linear(hidden_units, hidden_units),
            nn.ReLU(),
            nn.Linear(hidden_units, output_features),
        )

    def forward(self, x):
        return self.linear_layer_stack(x)


def accuracy_fn(y_true, y_pred):
    return torch.eq(y_true, y_pred).sum().item() / len(y_pred)


model = DigitModel(64, 10).to(device)
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.002)
epochs = 25
for epoch in range(epochs):
    model.train()
    for batch in torch.randperm(len(X_train)).split(50):
        y_logits = model(X_train[batch])
        loss = loss_fn(y_logits, y_train[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.inference_mode():
        test_logits = model(X_test)
        test_pred = torch.softmax(test_logits, dim=1).argmax(dim=1)
        test_acc = accuracy_fn(y_test, test_pred)
    if epoch % 5 == 4:
        print(f"Epoch: {epoch} | Loss: {loss:.5f} | Test loss: {loss_fn(test_logits, y_test):.5f}, Test acc: {test_acc:.3f}")
