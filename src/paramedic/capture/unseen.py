"""Keeps our own operations from the program's eyes: its function modes, dispatch modes and tensor classes."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack

import torch
from torch.utils._python_dispatch import _disable_current_modes


def unseen() -> AbstractContextManager[object]:
    """Inside, operations are those of plain tensors, whatever counts, records or changes them in the program."""
    if not torch._C._len_torch_dispatch_stack():
        return torch._C.DisableTorchFunction()  # type: ignore[no-any-return]
    stack = ExitStack()
    stack.enter_context(torch._C.DisableTorchFunction())
    stack.enter_context(_disable_current_modes())
    return stack


def seen() -> AbstractContextManager[object]:
    """Inside ``unseen``, where the program's own code is called after its end: function modes are asked again."""
    return torch._C._EnableTorchFunction()  # type: ignore[no-any-return]
