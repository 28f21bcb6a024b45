import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn import functional as F
from torch.func import functional_call, grad_and_value

torch.manual_seed(0)
X, y = load_digits(return_X_y=True)
X_train, X_val, y_train, y_val = train_test_split(X / 16 - 0.3, y, test_size=0.3, random_state=0)
X_train, X_val = torch.tensor(X_train, dtype=torch.float32), torch.tensor(X_val, dtype=torch.float32)
y_train, y_val = torch.tensor(y_train), torch.tensor(y_val)

model = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10))
weights = {name: value.detach().clone() for name, value in model.named_parameters()}


def loss_of(weights, images, labels):
    return F.cross_entropy(functional_call(model, weights, (images,)).softmax(1), labels)


for epoch in range(10):
    for index in torch.randperm(len(X_train)).split(64):
        grads, loss = grad_and_value(loss_of)(weights, X_train[index], y_train[index])
        weights = {name: value - 0.3 * grads[name] for name, value in weights.items()}

model.load_state_dict(weights)

with torch.no_grad():
    accuracy = (model(X_val).argmax(1) == y_val).float().mean()
print(f"validation accuracy {accuracy:.3f}")
