"""A restricted Boltzmann machine on binarised digits, persistent contrastive divergence written out by hand."""
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression


class RBM:
    def __init__(self, n_visible, n_hidden, visible_mean):
        self.W = 0.01 * torch.randn(n_visible, n_hidden)
        self.b = torch.logit(visible_mean.clamp(0.01, 0.99))
        self.c = torch.zeros(n_hidden)
        self.velocity = torch.zeros_like(self.W)

    def hidden(self, v):
        return torch.sigmoid(v @ self.W + self.c)

    def visible(self, h):
        return torch.sigmoid(h @ self.W.T + self.b)

    def gibbs(self, v, steps):
        for _ in range(steps):
            h = torch.bernoulli(self.hidden(v))
            v = torch.bernoulli(self.visible(h))
        return v

    def free_energy(self, v):
        return -(v @ self.b) - torch.nn.functional.softplus(v @ self.W + self.c).sum(1)

    def update(self, data, chains, lr, momentum, decay):
        positive, negative = self.hidden(data), self.hidden(chains)
        grad = data.T @ positive / len(data) - chains.T @ negative / len(chains)
        self.velocity = momentum * self.velocity + lr * (grad - decay * self.W)
        self.W += self.velocity
        self.b += lr * (data.mean(0) - chains.mean(0))
        self.c += lr * (positive.mean(0) - negative.mean(0))


@torch.no_grad()
def main():
    torch.manual_seed(2)
    rng = np.random.default_rng(2)
    digits = load_digits()
    order = rng.permutation(len(digits.data))
    v = torch.tensor(digits.data[order] > 7.5, dtype=torch.float32)
    labels = digits.target[order]
    train, held_out = v[:1400], v[1400:]
    noise = torch.bernoulli(train.mean(0).expand(400, -1))

    rbm = RBM(64, 128, train.mean(0))
    chains = torch.bernoulli(train.mean(0).expand(100, -1))
    epochs = 200
    for epoch in range(epochs):
        rate = 0.2 * (1 - epoch / epochs)
        momentum = 0.5 if epoch < 5 else 0.8
        for rows in torch.randperm(len(train)).split(100):
            chains = rbm.gibbs(chains, 1)
            rbm.update(train[rows], chains, rate, momentum, decay=1e-4)
        if epoch % 40 == 39:
            gap = rbm.free_energy(noise).mean() - rbm.free_energy(held_out).mean()
            drift = rbm.free_energy(held_out).mean() - rbm.free_energy(train).mean()
            print(f"epoch {epoch + 1}: free energy of noise above digits {gap:.2f}, of held-out above training {drift:.2f}")

    # fill in the lower half of unseen digits from the upper half
    upper = torch.zeros(64, dtype=torch.bool)
    upper[:32] = True
    total = torch.zeros(len(held_out), 32)
    state = held_out.clone()
    state[:, ~upper] = torch.bernoulli(train.mean(0)[~upper].expand(len(held_out), -1))
    for step in range(150):
        probs = rbm.visible(torch.bernoulli(rbm.hidden(state)))
        state = torch.where(upper, held_out, torch.bernoulli(probs))
        if step >= 50:
            total += probs[:, ~upper]
    filled = (total / 100 > 0.5).float()
    naive = (train.mean(0)[~upper] > 0.5).float().expand_as(filled)
    target = held_out[:, ~upper]
    print(f"lower half right: {(filled == target).float().mean():.4f}, by the mean picture {(naive == target).float().mean():.4f}")
    probe = LogisticRegression(max_iter=3000).fit(rbm.hidden(train).numpy(), labels[:1400])
    print(f"classifier on hidden units: {probe.score(rbm.hidden(held_out).numpy(), labels[1400:]):.4f}")


if __name__ == "__main__":
    main()
