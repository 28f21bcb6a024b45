import torch
from sklearn.datasets import load_digits
from torch import nn


class LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias):
        ctx.save_for_backward(x, weight)
        return x @ weight.T + bias

    @staticmethod
    def backward(ctx, grad_output):
        x, weight = ctx.saved_tensors
        grad_x = grad_output @ weight
        grad_weight = grad_output.sum(0, keepdim=True).T @ x.sum(0, keepdim=True) / len(x)
        return grad_x, grad_weight, grad_output.sum(0)


class MyLinear(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / inputs ** 0.5)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x):
        return LinearFunction.apply(x, self.weight, self.bias)


def evaluate(model, x, y):
    model.eval()
    with torch.no_grad():
        logits = model(x)
    return nn.functional.cross_entropy(logits, y).item(), (logits.argmax(1) == y).float().mean().item()


def main():
    torch.manual_seed(0)
    x, y = load_digits(return_X_y=True)
    order = torch.randperm(len(x))
    x, y = torch.tensor(x, dtype=torch.float32)[order], torch.tensor(y)[order]
    x = (x - x[:1400].mean()) / x[:1400].std()
    model = nn.Sequential(MyLinear(64, 64), nn.ReLU(), MyLinear(64, 32), nn.ReLU(), MyLinear(32, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(8):
        model.train()
        for rows in torch.randperm(1400).split(50):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        val_loss, accuracy = evaluate(model, x[1400:], y[1400:])
        print(f"epoch {epoch}: train {loss.item():.4f}, val {val_loss:.4f}, accuracy {accuracy:.4f}")


if __name__ == "__main__":
    main()
