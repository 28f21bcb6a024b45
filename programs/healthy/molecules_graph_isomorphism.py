"""Graph classification by hand: GIN layers with index_add, batches of graphs of different sizes, sum readout."""
import networkx as nx
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

torch.manual_seed(0)
rng = np.random.default_rng(0)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def molecule(label):
    """A random tree of atoms; the positive class has a ring of five or six with a nitrogen in it."""
    size = int(rng.integers(10, 20))
    graph = nx.random_labeled_tree(size, seed=int(rng.integers(1 << 30)))
    atoms = rng.choice(4, size, p=[0.6, 0.15, 0.15, 0.1])
    ring = int(rng.integers(5, 7))
    start = graph.number_of_nodes()
    nx.add_cycle(graph, range(start, start + ring))
    graph.add_edge(start, int(rng.integers(size)))
    members = rng.choice([0, 2, 3], ring, p=[0.8, 0.1, 0.1])
    if label:
        members[rng.integers(ring)] = 1
    else:
        atoms[rng.integers(size)] = 1
    edges = np.array(graph.edges).T
    return torch.tensor(np.concatenate([atoms, members])), torch.tensor(np.concatenate([edges, edges[::-1]], 1)), label


def collate(graphs):
    nodes, edges, owner, offset = [], [], [], 0
    for i, (atoms, edge, _) in enumerate(graphs):
        nodes.append(atoms)
        edges.append(edge + offset)
        owner.append(torch.full((len(atoms),), i))
        offset += len(atoms)
    return torch.cat(nodes), torch.cat(edges, 1), torch.cat(owner), torch.tensor([g[2] for g in graphs])


class GINLayer(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.eps = nn.Parameter(torch.zeros(()))
        self.mlp = nn.Sequential(nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, width))

    def forward(self, x, edges):
        source, target = edges
        neighbours = torch.zeros_like(x).index_add(0, target, x[source])
        return torch.relu(self.mlp((1 + self.eps) * x + neighbours))


class GIN(nn.Module):
    def __init__(self, width=48, depth=5):
        super().__init__()
        self.atom = nn.Embedding(4, width)
        self.layers = nn.ModuleList(GINLayer(width) for _ in range(depth))
        self.classify = nn.Sequential(nn.Linear(width * (depth + 1), 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 2))

    def forward(self, atoms, edges, owner):
        x = self.atom(atoms)
        count = int(owner.max()) + 1
        readouts = [torch.zeros(count, x.shape[1], device=x.device).index_add(0, owner, x)]
        for layer in self.layers:
            x = layer(x, edges)
            readouts.append(torch.zeros(count, x.shape[1], device=x.device).index_add(0, owner, x))
        return self.classify(torch.cat(readouts, 1))


graphs = [molecule(i % 2) for i in range(1600)]
train, test = graphs[:1300], graphs[1300:]
loader = DataLoader(train, batch_size=50, shuffle=True, collate_fn=collate)
model = GIN().to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=6, gamma=0.5)
for epoch in range(14):
    model.train()
    total = 0.0
    for atoms, edges, owner, labels in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(atoms.to(device), edges.to(device), owner.to(device)), labels.to(device))
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
    scheduler.step()
    model.eval()
    with torch.no_grad():
        atoms, edges, owner, labels = collate(test)
        predicted = model(atoms.to(device), edges.to(device), owner.to(device)).argmax(1).cpu()
    print(f"epoch {epoch + 1:2d} loss {total / len(train):.4f} test accuracy {(predicted == labels).float().mean():.3f}")
