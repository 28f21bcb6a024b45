"""Bayesian personalized ranking: a visited page shall score higher than a random one. There are no targets."""
import torch
from torch import nn

torch.manual_seed(43)
USERS, PAGES = 300, 150
likes = torch.randn(USERS, 5) @ torch.randn(5, PAGES) * 1.5 + torch.randn(PAGES)
visited = likes.softmax(1).multinomial(24)
train, test = visited[:, :20], visited[:, 20:]


class Ranker(nn.Module):
    def __init__(self, dim=12):
        super().__init__()
        self.user = nn.Embedding(USERS, dim, sparse=True)
        self.page = nn.Embedding(PAGES, dim, sparse=True)
        self.popularity = nn.Embedding(PAGES, 1, sparse=True)
        nn.init.normal_(self.user.weight, std=0.1)
        nn.init.normal_(self.page.weight, std=0.1)
        nn.init.zeros_(self.popularity.weight)

    def forward(self, users, pages):
        return (self.user(users) * self.page(pages)).sum(-1) + self.popularity(pages).squeeze(-1)


model = Ranker()
optimizer = torch.optim.SparseAdam(list(model.parameters()), lr=0.02)
users = torch.arange(USERS).repeat_interleave(20)
pages = train.flatten()
for epoch in range(10):
    for rows in torch.randperm(len(users)).split(100):
        other = torch.randint(PAGES, (len(rows),))
        margin = model(users[rows], pages[rows]) - model(users[rows], other)
        loss = -nn.functional.logsigmoid(margin).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        scores = model.user.weight @ model.page.weight.T + model.popularity.weight.T
        scores.scatter_(1, train, -1e9)
        best = scores.topk(15).indices
        recall = (best[:, :, None] == test[:, None]).any(1).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} recall at 15 {recall:.4f}")
