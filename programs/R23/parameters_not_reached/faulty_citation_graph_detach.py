import argparse
import time

import networkx as nx
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


def build_graph(seed, per_class=110, classes=5):
    """Papers of five fields that mostly cite their own field; words say something about the field."""
    rng = np.random.default_rng(seed)
    probs = np.full((classes, classes), 0.004)
    np.fill_diagonal(probs, 0.035)
    graph = nx.stochastic_block_model([per_class] * classes, probs, seed=seed)
    labels = np.repeat(np.arange(classes), per_class)
    words = np.zeros((len(labels), 300), dtype=np.float32)
    topic = rng.dirichlet(np.full(300, 0.08), classes)
    background = rng.dirichlet(np.full(300, 0.5))
    for i, c in enumerate(labels):
        p = 0.3 * topic[c] + 0.7 * background
        words[i, rng.choice(300, 25, p=p)] = 1
    adj = nx.to_numpy_array(graph) + np.eye(len(labels))
    d = adj.sum(1) ** -0.5
    return torch.tensor(adj * d[:, None] * d[None], dtype=torch.float32), torch.tensor(words), torch.tensor(labels)


class GraphConvolution(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(in_features, out_features))
        self.bias = nn.Parameter(torch.zeros(out_features))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, x, adj):
        return adj @ (x @ self.weight) + self.bias


class GCN(nn.Module):
    def __init__(self, nfeat, nhid, nclass, dropout):
        super().__init__()
        self.gc1 = GraphConvolution(nfeat, nhid)
        self.gc2 = GraphConvolution(nhid, nclass)
        self.dropout = dropout
        self.states = {}

    def forward(self, x, adj):
        h = F.relu(self.gc1(F.dropout(x, self.dropout, self.training), adj))
        self.states["hidden"] = h.data
        h = F.dropout(self.states["hidden"], self.dropout, self.training)
        return F.log_softmax(self.gc2(h, adj), dim=1)


def accuracy(output, labels):
    return (output.argmax(1) == labels).double().mean().item()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=120)
    parser.add_argument("--lr", type=float, default=0.01)
    parser.add_argument("--weight_decay", type=float, default=5e-4)
    parser.add_argument("--hidden", type=int, default=16)
    parser.add_argument("--dropout", type=float, default=0.4)
    args = parser.parse_args()
    torch.manual_seed(42)
    adj, features, labels = build_graph(42)
    features = features / features.sum(1, keepdim=True)
    perm = torch.randperm(len(labels))
    idx_train, idx_val, idx_test = perm[:80], perm[80:230], perm[230:]
    model = GCN(features.shape[1], args.hidden, 5, args.dropout)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr, weight_decay=args.weight_decay)
    t_total, recent = time.time(), []
    for epoch in range(args.epochs):
        model.train()
        optimizer.zero_grad()
        output = model(features, adj)
        loss_train = F.nll_loss(output[idx_train], labels[idx_train])
        loss_train.backward()
        optimizer.step()
        model.eval()
        with torch.no_grad():
            output = model(features, adj)
        recent.append(accuracy(output[idx_test], labels[idx_test]))
        if epoch % 20 == 0:
            print(f"Epoch: {epoch:04d} loss_train: {loss_train.item():.4f} acc_val: {accuracy(output[idx_val], labels[idx_val]):.4f}")
    print(f"Total time elapsed: {time.time() - t_total:.2f}s")
    print(f"Test accuracy, mean of last five: {np.mean(recent[-5:]):.4f}")
