import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler


def main():
    torch.manual_seed(0)
    data = load_wine()
    a, b, c, d = train_test_split(data.data, data.target, test_size=0.35, random_state=5, stratify=data.target)
    scaler = StandardScaler().fit(a)
    x, xt = (torch.tensor(scaler.transform(v), dtype=torch.float64) for v in (a, b))
    y, yt = torch.tensor(c), torch.tensor(d)

    weight = torch.zeros(13, 3, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    penalty = 1e-3
    optimizer = torch.optim.LBFGS([weight, bias], lr=1.0, max_iter=5, line_search_fn="strong_wolfe")
    evaluations = 0

    def objective():
        logits = x @ weight + bias
        return torch.nn.functional.cross_entropy(logits, y) + penalty * weight.square().sum()

    def closure():
        nonlocal evaluations
        evaluations += 1
        optimizer.zero_grad()
        value = objective()
        value.backward()
        return value

    for it in range(40):
        loss = optimizer.step(closure)
        with torch.no_grad():
            acc = ((xt @ weight + bias).argmax(1) == yt).double().mean().item()
        print(f"outer iteration {it} loss {loss.item():.6f} closure calls {evaluations} "
              f"grad {weight.grad.norm().item():.1e} test_acc {acc:.4f}")
        if weight.grad.norm() < 1e-7:
            break


if __name__ == "__main__":
    main()
