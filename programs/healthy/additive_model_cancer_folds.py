"""Neural additive model: one small network per feature, their sum is the logit. Five folds, shapes are printed at the end."""
import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.preprocessing import QuantileTransformer
from torch import nn


class FeatureNets(nn.Module):
    """All per-feature networks at once: weights have a leading feature dimension."""

    def __init__(self, features, hidden=16, drop_feature=0.1):
        super().__init__()
        self.w1 = nn.Parameter(torch.randn(features, 1, hidden))
        self.b1 = nn.Parameter(torch.rand(features, 1, hidden) * 2 - 1)
        self.w2 = nn.Parameter(torch.randn(features, hidden, hidden) / hidden**0.5)
        self.b2 = nn.Parameter(torch.zeros(features, 1, hidden))
        self.w3 = nn.Parameter(torch.randn(features, hidden, 1) / hidden**0.5 * 0.3)
        self.bias = nn.Parameter(torch.zeros(()))
        self.drop_feature = drop_feature

    def contributions(self, x):
        h = x.T.unsqueeze(-1)
        h = F.relu(torch.baddbmm(self.b1, h, self.w1))
        h = F.relu(torch.baddbmm(self.b2, h, self.w2))
        return torch.bmm(h, self.w3).squeeze(-1).T

    def forward(self, x):
        parts = self.contributions(x)
        kept = F.dropout(parts, self.drop_feature, self.training)
        return kept.sum(1) + self.bias, parts


def fit_fold(x, y, x_val, y_val, seed):
    torch.manual_seed(seed)
    net = FeatureNets(x.shape[1])
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    best, state, waited = np.inf, None, 0
    for epoch in range(60):
        net.train()
        for rows in torch.randperm(len(x)).split(32):
            logit, parts = net(x[rows])
            loss = F.binary_cross_entropy_with_logits(logit, y[rows]) + 1e-3 * parts.pow(2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            score = F.binary_cross_entropy_with_logits(net(x_val)[0], y_val).item()
        if score < best - 1e-4:
            best, waited = score, 0
            state = {k: v.detach().clone() for k, v in net.state_dict().items()}
        else:
            waited += 1
            if waited == 10:
                break
    net.load_state_dict(state)
    return net, best, epoch + 1


def main():
    data = load_breast_cancer()
    folds = StratifiedKFold(5, shuffle=True, random_state=44)
    aucs = []
    for k, (train, test) in enumerate(folds.split(data.data, data.target)):
        inner, val = train_test_split(train, test_size=0.2, random_state=k, stratify=data.target[train])
        ranks = QuantileTransformer(n_quantiles=100, output_distribution="normal", random_state=0).fit(data.data[inner])

        def tensors(rows):
            x = np.clip(ranks.transform(data.data[rows]), -2.5, 2.5)
            return torch.tensor(x, dtype=torch.float32), torch.tensor(data.target[rows], dtype=torch.float32)

        net, best, epochs = fit_fold(*tensors(inner), *tensors(val), seed=k)
        x_test, y_test = tensors(test)
        net.eval()
        with torch.no_grad():
            logit, parts = net(x_test)
        aucs.append(roc_auc_score(y_test, logit))
        print(f"fold {k}: {epochs} epochs, val loss {best:.4f}, AUC {aucs[-1]:.4f}, "
              f"accuracy {((logit > 0) == (y_test > 0)).float().mean():.4f}")
    print(f"mean AUC {np.mean(aucs):.4f}")
    influence = parts.std(0)
    for i in influence.argsort(descending=True)[:5].tolist():
        print(f"  {data.feature_names[i]:25s} spread of the contribution {influence[i]:.3f}")


if __name__ == "__main__":
    main()
