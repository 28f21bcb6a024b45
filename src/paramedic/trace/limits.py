"""How many rows of a run are kept, and which: see thinning.py, which needs NumPy."""

from __future__ import annotations

GOLDEN, RANGE = 2_654_435_769, 1 << 32  # the golden section of 2 ** 32

MAX_STEPS = 20_000  # rows; 0.9 MB
# Parts of that which stay whole: 1,000 steps of the run (the experiments repeat the first hundred), the last 2,000, 200 at
# the beginning of each phase, 1,000 gradient norms, and the lowest and highest loss of 100 stretches (a chart shows 200).
FIRST_STEPS, LAST_STEPS, FIRST_OF_PHASE, MOST_NORMS, STRETCHES = 0.05, 0.1, 0.01, 0.05, 0.005
MOST_CHANGES = 64  # of the learning rate, of the epoch: more are a schedule, which the other rows show

MAX_LAYER_ROWS = 40_000  # 2.6 MB: of a network of 100 layers some 50 steps, as many as a heat map has columns
FIRST_LAYER_STEPS = 100  # of the steps in which most are sampled
LAST_LAYER_STEPS = 4

MAX_EVENTS = 8_000  # about 1 MB
MOST_OF_KIND = 1_000
ENDS_OF_KIND = 200  # the first and the last of a kind stay


def stays(number: int, stride: int) -> bool:
    """Whether a row is among the one in ``stride`` (a power of two) that stay."""
    return number * GOLDEN % RANGE < RANGE // stride
