"""Does the expression of genes tell responders apart? Five folds over 160 patients and the best 30 of 3000 genes."""
import numpy as np
import torch
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.model_selection import StratifiedKFold
from torch import nn

rng = np.random.default_rng(66)
torch.manual_seed(66)


def cohort(patients=160, genes=3000, informative=6):
    response = np.arange(patients) % 2
    expression = rng.standard_normal((patients, genes)).astype(np.float32)
    expression[:, :informative] += 0.45 * (2 * response[:, None] - 1)
    columns = rng.permutation(genes)
    return expression[:, columns], response


class Classifier(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.layers = nn.Sequential(nn.Dropout(0.2), nn.Linear(inputs, 16), nn.ReLU(), nn.Linear(16, 1))

    def forward(self, x):
        return self.layers(x).squeeze(1)


def fit(x, y, epochs=12):
    model = Classifier(x.shape[1])
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=0.1)
    x, y = torch.from_numpy(x), torch.tensor(y, dtype=torch.float32)
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(16):
            loss = nn.functional.binary_cross_entropy_with_logits(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model.eval(), loss.item()


expression, response = cohort()
right = []
for fold, (train, test) in enumerate(StratifiedKFold(5, shuffle=True, random_state=1).split(expression, response)):
    selector = SelectKBest(f_classif, k=30).fit(expression[train], response[train])
    x_train, x_test = selector.transform(expression[train]), selector.transform(expression[test])
    model, loss = fit(x_train, response[train])
    with torch.no_grad():
        right.append(((model(torch.from_numpy(x_test)) > 0).numpy() == response[test]).mean())
    print(f"fold {fold} loss {loss:.4f} accuracy {right[-1]:.4f}")
print(f"cross-validated accuracy {np.mean(right):.4f}")
