"""Elastic net for genes: few of many columns decide about the disease."""
import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import make_classification
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import scale


class ElasticNetClassifier(ClassifierMixin, BaseEstimator):
    def __init__(self, alpha=0.05, l1_ratio=0.1, epochs=80, batch_size=40, lr=0.02, random_state=0):
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.epochs = epochs
        self.batch_size = batch_size
        self.lr = lr
        self.random_state = random_state

    def _penalty(self):
        l1 = self.coef_.abs().sum()
        l2 = self.coef_.pow(2).sum()
        return self.alpha * (self.l1_ratio * l1 + (1 - self.l1_ratio) / 2 * l2)

    def fit(self, X, y):
        torch.manual_seed(self.random_state)
        self.classes_ = np.unique(y)
        X, y = torch.as_tensor(X, dtype=torch.float32), torch.as_tensor(y, dtype=torch.float32)
        self.coef_ = torch.zeros(X.shape[1], requires_grad=True)
        self.intercept_ = torch.zeros((), requires_grad=True)
        optimizer = torch.optim.SGD([self.coef_, self.intercept_], lr=self.lr, momentum=0.8)
        for epoch in range(self.epochs):
            for rows in torch.randperm(len(X)).split(self.batch_size):
                scores = X[rows] @ self.coef_ + self.intercept_
                data_term = torch.nn.functional.binary_cross_entropy_with_logits(scores, y[rows])
                loss = data_term + self._penalty()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        print(f"alpha {self.alpha}: loss {loss.item():.4f}, largest weight {self.coef_.abs().max().item():.3f}")
        return self

    def predict_proba(self, X):
        with torch.no_grad():
            p = torch.sigmoid(torch.as_tensor(X, dtype=torch.float32) @ self.coef_ + self.intercept_).double().numpy()
        return np.column_stack([1 - p, p])

    def predict(self, X):
        return self.classes_[(self.predict_proba(X)[:, 1] > 0.5).astype(int)]


X, y = make_classification(500, 120, n_informative=8, n_redundant=6, flip_y=0.02, class_sep=1.4, random_state=5)
X_train, X_test, y_train, y_test = train_test_split(scale(X), y, test_size=0.4, random_state=5)
for alpha in [0.1]:
    model = ElasticNetClassifier(alpha=alpha).fit(X_train, y_train)
    print(f"  train accuracy {model.score(X_train, y_train):.3f} test accuracy {model.score(X_test, y_test):.3f}")
print(f"test log loss {log_loss(y_test, model.predict_proba(X_test)):.4f}")
