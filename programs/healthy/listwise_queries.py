"""ListNet: the documents of one query are one batch, whose relevances become a distribution."""
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(50)


def make_queries(count):
    found = []
    for _ in range(count):
        documents = int(torch.randint(8, 25, (1,)))
        query = torch.randn(4)
        text = torch.randn(documents, 4) + 0.3 * query
        extra = torch.rand(documents, 3)
        quality = (text * query).sum(1) + 2 * (extra[:, 0] > 0.6) - 1.5 * extra[:, 1] + 0.7 * torch.randn(documents)
        relevance = torch.bucketize(quality, torch.tensor([0.0, 1.5, 3.0, 4.5])).float()
        found.append((torch.cat([query.expand(documents, 4), text, extra], 1), relevance))
    return found


def ndcg(scores, relevance, k=10):
    def gain(order):
        best = relevance[order[:k]]
        return ((2**best - 1) / torch.log2(torch.arange(len(best)) + 2.0)).sum()

    ideal = gain(relevance.argsort(descending=True))
    return (gain(scores.argsort(descending=True)) / ideal).item() if ideal > 0 else 1.0


train, test = make_queries(500), make_queries(150)
scorer = nn.Sequential(nn.Linear(11, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1), nn.Flatten(0))
optimizer = torch.optim.Adam(scorer.parameters(), lr=2e-3)
for epoch in range(7):
    total = 0.0
    for k in torch.randperm(len(train)).tolist():
        documents, relevance = train[k]
        loss = F.kl_div(scorer(documents).log_softmax(0), relevance.softmax(0), reduction="sum")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    with torch.no_grad():
        quality = sum(ndcg(scorer(documents), relevance) for documents, relevance in test) / len(test)
    print(f"epoch {epoch}: divergence {total / len(train):.4f}, test ndcg {quality:.4f}")
