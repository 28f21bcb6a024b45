"""Heat that a building needs in a day, from its floor area, its glass and the weather."""
import numpy as np
import torch
from sklearn.preprocessing import MinMaxScaler
from torch.utils.data import DataLoader, TensorDataset


def get_data(seed=4, scale=True):
    """40 buildings for training; the last four, which were built later, for the test."""
    rng = np.random.default_rng(seed)
    area = np.concatenate([rng.uniform(100, 3000, 40), rng.uniform(2000, 2700, 4)])
    glass = np.concatenate([rng.uniform(0.1, 0.8, 40), rng.uniform(0.5, 0.75, 4)])
    rows, heat, building = [], [], []
    for number, (size, share) in enumerate(zip(area, glass)):
        for day in rng.choice(365, 60, replace=False):
            outside = 10 - 11 * np.cos(2 * np.pi * day / 365) + rng.normal(0, 3)
            wind, sun = rng.gamma(2.0, 1.5), rng.beta(2, 3) * (1 - 0.6 * np.cos(2 * np.pi * day / 365))
            need = np.maximum(0, 18 - outside) * (0.4 + 0.6 * share) * (1 + 0.04 * wind) - 4 * share * sun
            rows.append([size, share, outside, wind, sun])
            heat.append(max(0.0, need) * size / 1000 + rng.normal(0, 0.4))
            building.append(number)
    rows, heat, building = np.array(rows), np.array(heat)[:, None], np.array(building)
    x_train, y_train = rows[building < 40], heat[building < 40]
    x_test, y_test = rows[building >= 40], heat[building >= 40]
    if scale:
        x_train = preprocess(x_train)
        x_test = preprocess(x_test)
    print("train shape:", x_train.shape, "test shape:", x_test.shape)
    return x_train, y_train, x_test, y_test


def preprocess(rows):
    rows = np.asarray(rows, dtype=np.float32)
    return MinMaxScaler().fit_transform(rows)


class HeatModel(torch.nn.Module):
    def __init__(self, inputs, width=48):
        super().__init__()
        self.layers = torch.nn.ModuleList([torch.nn.Linear(inputs, width), torch.nn.Linear(width, width)])
        self.out = torch.nn.Linear(width, 1)

    def forward(self, x):
        for layer in self.layers:
            x = torch.nn.functional.silu(layer(x))
        return self.out(x)


def main():
    torch.manual_seed(4)
    x_train, y_train, x_test, y_test = get_data()
    centre, spread = y_train.mean(), y_train.std()
    dataset = TensorDataset(torch.tensor(x_train).float(), torch.tensor((y_train - centre) / spread).float())
    loader = DataLoader(dataset, batch_size=64, shuffle=True)
    model = HeatModel(x_train.shape[1])
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(1, 31):
        losses = []
        for x, y in loader:
            loss = torch.nn.functional.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        if epoch % 10 == 0:
            with torch.no_grad():
                predicted = model(torch.tensor(x_test).float()).numpy() * spread + centre
            r2 = 1 - ((predicted - y_test) ** 2).sum() / ((y_test - y_test.mean()) ** 2).sum()
            print(f"epoch {epoch}: train loss {np.mean(losses):.4f}, test R2 {r2:.3f}")


if __name__ == "__main__":
    main()
