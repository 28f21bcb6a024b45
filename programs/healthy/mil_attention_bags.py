"""Is there a nine in the bag? Bags of digits differ in size, so they go through the network one at a time."""
import torch
from sklearn.datasets import load_digits
from torch import nn

ACCUMULATE = 16


def make_bags(images, labels, count, generator):
    bags = []
    for k in range(count):
        size = int(torch.randint(5, 13, (1,), generator=generator))
        others = (labels != 9).nonzero().squeeze(1)
        nines = (labels == 9).nonzero().squeeze(1)
        chosen = others[torch.randint(len(others), (size,), generator=generator)]
        if k % 2:
            chosen[: 1 + int(torch.randint(2, (1,), generator=generator))] = nines[
                torch.randint(len(nines), (1,), generator=generator)
            ]
        bags.append((images[chosen[torch.randperm(size, generator=generator)]], float(k % 2)))
    return bags


class AttentionMIL(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, hidden), nn.ReLU())
        self.attention_v = nn.Linear(hidden, 24)
        self.attention_u = nn.Linear(hidden, 24)
        self.attention_w = nn.Linear(24, 1)
        self.classifier = nn.Linear(hidden, 1)

    def forward(self, bag):
        h = self.features(bag)
        gate = torch.tanh(self.attention_v(h)) * torch.sigmoid(self.attention_u(h))
        weights = torch.softmax(self.attention_w(gate), dim=0)
        return self.classifier((weights * h).sum(0)).squeeze(), weights.squeeze(1)


def main():
    torch.manual_seed(5)
    g = torch.Generator().manual_seed(5)
    digits = load_digits()
    order = torch.randperm(1797, generator=g)
    x = torch.tensor(digits.data, dtype=torch.float32)[order] / 16
    y = torch.tensor(digits.target)[order]
    train = make_bags(x[:1300], y[:1300], 600, g)
    test = make_bags(x[1300:], y[1300:], 300, g)
    model = AttentionMIL()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 12, eta_min=1e-4)
    for epoch in range(12):
        model.train()
        order = torch.randperm(len(train)).tolist()
        optimizer.zero_grad()
        total = 0.0
        for start in range(0, len(order), ACCUMULATE):
            group = order[start : start + ACCUMULATE]
            for k in group:
                bag, label = train[k]
                logit, _ = model(bag)
                loss = nn.functional.binary_cross_entropy_with_logits(logit, torch.tensor(label))
                (loss / len(group)).backward()
                total += loss.item()
            optimizer.step()
            optimizer.zero_grad()
        schedule.step()
        model.eval()
        with torch.no_grad():
            right = sum((model(bag)[0] > 0).item() == bool(label) for bag, label in test)
        print(f"epoch {epoch + 1} train loss {total / len(train):.3f} test accuracy {right / len(test):.3f}")


if __name__ == "__main__":
    main()
