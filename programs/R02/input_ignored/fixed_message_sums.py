"""Which accounts of a payment network are shops? Features of the account and messages from its neighbours."""
import torch
import torch.nn.functional as F
from torch import nn

N, FEATURES = 1500, 8


def payments(g):
    role = (torch.rand(N, generator=g) < 0.4).long()
    features = torch.randn(N, FEATURES, generator=g)
    features[:, 0] += 0.9 * role
    features[:, 1] -= 0.6 * role
    people, shops = (role == 0).nonzero().squeeze(1), (role == 1).nonzero().squeeze(1)
    buyers = people[torch.randint(len(people), (4200,), generator=g)]
    sellers = shops[torch.randint(len(shops), (4200,), generator=g)]
    others = torch.randint(N, (2, 1800), generator=g)
    edges = torch.cat([torch.stack([buyers, sellers]), others], 1)
    return features, torch.cat([edges, edges.flip(0)], 1), role


class MessagePassing(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.own = nn.Linear(inputs, outputs)
        self.neighbour = nn.Linear(inputs, outputs, bias=False)

    def forward(self, x, edges):
        source, target = edges
        degree = torch.bincount(target, minlength=len(x)).clamp(min=1)
        gathered = torch.zeros(len(x), self.own.out_features)
        gathered = gathered.index_add(0, target, self.neighbour(x)[source])
        return self.own(x) + gathered / degree[:, None]


class Accounts(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.first = MessagePassing(FEATURES, hidden)
        self.second = MessagePassing(hidden, hidden)
        self.head = nn.Linear(hidden, 2)

    def forward(self, x, edges):
        h = F.relu(self.first(x, edges))
        h = F.relu(self.second(F.dropout(h, 0.2, self.training), edges))
        return self.head(h)


torch.manual_seed(48)
features, edges, role = payments(torch.Generator().manual_seed(48))
perm = torch.randperm(N)
train, val, test = perm[:800], perm[800:1100], perm[1100:]
model = Accounts()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-4)
for epoch in range(60):
    model.train()
    loss = F.cross_entropy(model(features, edges)[train], role[train])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    model.eval()
    if epoch % 10 == 9:
        with torch.no_grad():
            right = (model(features, edges).argmax(1) == role).float()
        print(
            f"epoch {epoch + 1} loss {loss.item():.4f} val {right[val].mean().item():.4f} "
            f"test {right[test].mean().item():.4f}"
        )
