"""A whole program, alone and under `paramedic run`: its input, its workers of both start methods, its errors, its memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2] / "src"
MEMORY_MB, MEMORY_SHARE = 200.0, 0.05  # what observing may add to the peak, whichever is larger

PROGRAM = """
import hashlib, resource, sys
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Rows(Dataset):
    def __init__(self, broken=None):
        self.broken = broken

    def __len__(self):
        return 64

    def __getitem__(self, index):
        if index == self.broken:
            raise LookupError(f"row {index} cannot be read")
        generator = torch.Generator().manual_seed(index)
        x = torch.randn(8, generator=generator)
        return x, int(x[:3].argmax())


def main():
    torch.manual_seed(int(sys.stdin.readline()))
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for start in ("fork", "spawn"):
        loader = DataLoader(Rows(), batch_size=8, shuffle=True, num_workers=1, multiprocessing_context=start)
        for x, y in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            print(start, loss.item())
    try:
        for _ in DataLoader(Rows(broken=40), batch_size=8, num_workers=1):
            pass
    except LookupError as error:
        print("caught", str(error).splitlines()[0])
    print(hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in model.parameters())).hexdigest())
    print(hashlib.sha256(torch.get_rng_state().numpy().tobytes()).hexdigest(), sys.stdin.read())
    with open("peak", "w") as file:
        file.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
    sys.exit(3)


if __name__ == "__main__":
    main()
"""


def _run(folder: Path, *launcher: str) -> tuple[str, int, float]:
    done = subprocess.run(
        [sys.executable, *launcher, "train.py"], cwd=folder, input="7\nthe rest", capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(SOURCES), "OMP_NUM_THREADS": "1", "NO_COLOR": "1"}, timeout=280,
    )  # fmt: skip
    assert (folder / "peak").is_file(), done.stderr[-2000:]
    return done.stdout, done.returncode, float((folder / "peak").read_text())


def test_a_program_with_input_workers_and_an_error_is_unharmed(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(PROGRAM)
    alone, code, before = _run(tmp_path)
    assert code == 3 and "caught" in alone and alone.rstrip().endswith("the rest")
    (tmp_path / "peak").unlink()
    seen, code, peak = _run(
        tmp_path, "-m", "paramedic", "run", "--no-experiments", "--select", "R37", "--fail-on", "never"
    )
    assert seen.startswith(alone)
    assert code == 0 or code == 3
    assert "16 steps" in seen or "The 44 rows" in seen
    assert peak - before <= max(MEMORY_MB, MEMORY_SHARE * before)
