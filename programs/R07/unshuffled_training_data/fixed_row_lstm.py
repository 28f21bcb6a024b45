import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn


class RowLSTM(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(8, 48, batch_first=True)
        self.out = nn.Linear(48, 10)

    def forward(self, x):
        return self.out(self.lstm(x)[1][0][-1])


def run_epoch(model, optimizer, images, labels, batch_size=40):
    model.train()
    order = np.random.permutation(len(labels))
    losses = []
    for batch in np.array_split(order, len(order) // batch_size):
        x, y = torch.tensor(images[batch]), torch.tensor(labels[batch])
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    return np.mean(losses)


if __name__ == "__main__":
    torch.manual_seed(3)
    np.random.seed(3)
    digits = load_digits()
    x_train, x_val, y_train, y_val = train_test_split(digits.images.astype("float32"), digits.target,
                                                      test_size=0.25, random_state=3)
    mean, std = x_train.mean(), x_train.std()
    x_train, x_val = (x_train - mean) / std, (x_val - mean) / std
    model = RowLSTM()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(7):
        loss = run_epoch(model, optimizer, x_train, y_train)
        model.eval()
        with torch.no_grad():
            accuracy = (model(torch.tensor(x_val)).argmax(1).numpy() == y_val).mean()
        print(f"epoch {epoch}: loss {loss:.3f}, val accuracy {accuracy:.3f}")
