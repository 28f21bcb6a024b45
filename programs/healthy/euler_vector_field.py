"""A pendulum with friction: the vector field is a network, integrated with Euler's method between the samples."""
import numpy as np
import torch
from torch import nn

DT, SUBSTEPS, HORIZON = 0.1, 4, 5


def simulate(start, steps, fine=50):
    state, path = start.copy(), [start.copy()]
    for _ in range(steps):
        for _ in range(fine):
            angle, speed = state[:, 0], state[:, 1]
            state = state + DT / fine * np.stack([speed, -2.0 * np.sin(angle) - 0.15 * speed], 1)
        path.append(state.copy())
    return np.stack(path, 1)


rng = np.random.default_rng(23)
torch.manual_seed(23)
paths = simulate(rng.uniform([-2.5, -1.5], [2.5, 1.5], (80, 2)), 50)
observed = torch.tensor(paths + 0.01 * rng.standard_normal(paths.shape), dtype=torch.float32)
train_paths, test_paths = observed[:60], observed[60:]
windows = train_paths.unfold(1, HORIZON + 1, 5).permute(0, 1, 3, 2).reshape(-1, HORIZON + 1, 2)

field = nn.Sequential(nn.Linear(2, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 2))


def integrate(state, steps):
    states = []
    for _ in range(steps):
        for _ in range(SUBSTEPS):
            state = state + DT / SUBSTEPS * field(state)
        states.append(state)
    return torch.stack(states, 1)


optimizer = torch.optim.Adam(field.parameters(), lr=3e-2)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-2, total_steps=40 * 10)
for epoch in range(40):
    total = 0.0
    for batch in windows[torch.randperm(len(windows))].split(64):
        loss = (integrate(batch[:, 0], HORIZON) - batch[:, 1:]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        total += loss.item() * len(batch)
    if epoch % 4 == 3:
        with torch.no_grad():
            rolled = integrate(test_paths[:, 0], 50)
            error = (rolled - test_paths[:, 1:]).square().mean().sqrt().item()
        print(f"epoch {epoch + 1}: window mse {total / len(windows):.6f}, rmse over five seconds {error:.4f}")
