"""Runs a program and prints a digest of every tensor of every module that it made, at its end and at exit.

The same file is run alone and under observation: standard output must be the same to the last byte.
"""

from __future__ import annotations

import atexit
import hashlib
import random
import re
import runpy
import sys

# In names of attributes that FSDP gives a module anew in every run, from the system's entropy.
DRAWN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
KEPT: list[object] = []  # every module that the program constructs: observed or not, all stay alive
keeping_on = True  # until the program has ended: what an examination constructs afterwards is not the program's


KEEPING = """
def keeping(self, *args, **kwargs):
    construct(self, *args, **kwargs)
    keep(self)
"""


def keep_modules() -> None:
    import torch

    def keep(module: object) -> None:
        if keeping_on:
            KEPT.append(module)

    # Under torch's name: a frame of this file's would pass for the line of the program that makes the module.
    scope: dict[str, object] = {"construct": torch.nn.Module.__init__, "keep": keep}
    exec(compile(KEEPING, torch.nn.modules.module.__file__, "exec"), scope)
    torch.nn.Module.__init__ = scope["keeping"]  # type: ignore[method-assign, assignment]


def digest() -> str:
    """Over parameters, buffers, gradients, training flags and hooks of all modules, and the random states."""
    import numpy as np
    import torch

    parts: list[str] = []
    for module in KEPT:
        if isinstance(module, torch.nn.Module) and hasattr(module, "_parameters"):
            own = [*module._parameters.items(), *module._buffers.items()]
            for name, tensor in own:
                if tensor is None:
                    continue
                for value in (tensor, tensor.grad):
                    if value is not None:
                        value = value.to_local() if hasattr(value, "to_local") else value  # this process's part
                        data = value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes()
                        parts.append(f"{name} {hashlib.sha256(data).hexdigest()} {tensor.requires_grad}")
            hooks = (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks)
            counts = [len(item) for item in hooks]
            names = sorted(DRAWN.sub("", name) for name in vars(module))
            parts.append(f"{type(module).__name__} {module.training} {counts} {names}")
    states = [torch.get_rng_state(), *(torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [])]
    parts += [hashlib.sha256(state.numpy().tobytes()).hexdigest() for state in states]
    parts.append(hashlib.sha256(repr(np.random.get_state()).encode()).hexdigest())
    parts.append(hashlib.sha256(repr(random.getstate()).encode()).hexdigest())
    return hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()


def say(when: str) -> None:
    """In one piece: several processes may write to the same pipe."""
    sys.stdout.write(f"{when} {digest()}\n")
    sys.stdout.flush()


def main() -> None:
    global keeping_on
    import numpy as np

    random.seed(0)  # both are seeded from the system's entropy otherwise
    np.random.seed(0)
    sys.argv = sys.argv[1:]
    keep_modules()
    runpy.run_path(sys.argv[0], run_name="__main__")
    keeping_on = False
    atexit.register(say, "at exit")
    say("at the end")


main()
