"""Shared by all tests: one thread per process (the tests run in parallel)."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
