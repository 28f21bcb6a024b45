"""Node classification in one graph of 900 nodes, of which 90 have a label that may be used for training."""
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(12)
N, CLASSES, FEATURES = 900, 5, 24
community = torch.randint(CLASSES, (N,))
same = community[:, None] == community[None]
edges = torch.bernoulli(torch.where(same, 0.036, 0.0035)).triu(1)
adjacency = edges + edges.T + torch.eye(N)
prototypes = torch.randn(CLASSES, FEATURES)
features = 0.45 * prototypes[community] + torch.randn(N, FEATURES)
scale = adjacency.sum(1).rsqrt()
propagate = (scale[:, None] * adjacency * scale[None]).to_sparse()

nodes = torch.randperm(N)
train_mask = torch.zeros(N, dtype=torch.bool)
train_mask[nodes[:90]] = True
val_mask = torch.zeros(N, dtype=torch.bool)
val_mask[nodes[90:300]] = True
test_mask = ~(train_mask | val_mask)


class GraphConv(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = nn.Parameter(nn.init.xavier_uniform_(torch.empty(inputs, outputs)))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x):
        return torch.sparse.mm(propagate, x @ self.weight) + self.bias


class GCN(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = GraphConv(FEATURES, 32), GraphConv(32, CLASSES)

    def forward(self, x):
        x = F.dropout(x, 0.3, self.training)
        x = F.dropout(F.relu(self.first(x)), 0.5, self.training)
        return self.second(x)


model = GCN()
optimizer = torch.optim.Adam(
    [
        {"params": model.first.parameters(), "weight_decay": 5e-3},
        {"params": model.second.parameters(), "weight_decay": 0.0},
    ],
    lr=0.01,
)
best, kept = 0.0, 0.0
for epoch in range(150):
    model.train()
    optimizer.zero_grad()
    logits = model(features)
    loss = F.cross_entropy(logits[train_mask], community[train_mask])
    loss.backward()
    optimizer.step()
    model.eval()
    with torch.no_grad():
        right = model(features).argmax(1) == community
    val, test = right[val_mask].float().mean().item(), right[test_mask].float().mean().item()
    if val >= best:
        best, kept = val, test
    if epoch % 25 == 24:
        print(f"epoch {epoch + 1} loss {loss.item():.4f} val {val:.4f} test {test:.4f}")
print(f"test accuracy at the best validation {kept:.4f}")
