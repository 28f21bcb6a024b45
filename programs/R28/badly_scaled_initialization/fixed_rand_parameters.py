"""Which club does a member belong to? A graph convolutional network knows the club of every tenth."""
import torch
import torch.nn.functional as F
from torch.nn.parameter import Parameter


class GraphConvolution(torch.nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.weight = Parameter(torch.empty(in_features, out_features))
        self.bias = Parameter(torch.zeros(out_features))
        torch.nn.init.xavier_uniform_(self.weight)

    def forward(self, features, adjacency):
        return adjacency @ (features @ self.weight) + self.bias


class GCN(torch.nn.Module):
    def __init__(self, in_features, hidden, classes, dropout=0.3):
        super().__init__()
        self.gc1 = GraphConvolution(in_features, hidden)
        self.gc2 = GraphConvolution(hidden, hidden)
        self.gc3 = GraphConvolution(hidden, classes)
        self.dropout = dropout

    def forward(self, features, adjacency):
        x = F.relu(self.gc1(features, adjacency))
        x = F.dropout(x, self.dropout, training=self.training)
        x = F.relu(self.gc2(x, adjacency))
        x = F.dropout(x, self.dropout, training=self.training)
        return F.log_softmax(self.gc3(x, adjacency), dim=1)


def load(members=500, clubs=5, interests=60):
    g = torch.Generator().manual_seed(8)
    labels = torch.randint(clubs, (members,), generator=g)
    same = labels[:, None] == labels[None]
    friends = torch.rand(members, members, generator=g) < torch.where(same, 0.035, 0.008)
    friends = torch.triu(friends, 1)
    adjacency = (friends | friends.t()).float() + torch.eye(members)
    degree = adjacency.sum(1)
    adjacency = adjacency / torch.sqrt(degree[:, None] * degree[None])
    likes = torch.rand(clubs, interests, generator=g) ** 3 * 0.5
    features = (torch.rand(members, interests, generator=g) < likes[labels]).float()
    order = torch.randperm(members, generator=g)
    return adjacency, features, labels, order[:100], order[100:200], order[200:]


torch.manual_seed(42)
adjacency, features, labels, idx_train, idx_val, idx_test = load()
model = GCN(features.shape[1], hidden=32, classes=5)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-4)


def accuracy(output, index):
    return (output[index].argmax(1) == labels[index]).float().mean().item()


for epoch in range(1, 151):
    model.train()
    optimizer.zero_grad()
    output = model(features, adjacency)
    loss_train = F.nll_loss(output[idx_train], labels[idx_train])
    loss_train.backward()
    optimizer.step()
    if epoch % 50 == 0:
        model.eval()
        with torch.no_grad():
            output = model(features, adjacency)
        print(f"Epoch: {epoch:04d} loss_train: {loss_train.item():.4f} acc_val: {accuracy(output, idx_val):.4f}")
print(f"Test set accuracy: {accuracy(output, idx_test):.4f}")
