"""What `train` spends on its parts, seen from outside: the calls of its steps, recorded while it runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from unittest.mock import patch

import cvxnn.training


@dataclass(frozen=True, eq=False)
class Call:
    """One call of a step."""

    seconds: float
    result: Any


STEPS: dict[str, Callable[..., Any]] = {
    name: getattr(import_module(f"{cvxnn.training.__name__}.{name}"), name)
    for name in ("descend", "convexify")
}


@contextmanager
def recorded_steps(clock: Callable[[], float] = time.perf_counter) -> Iterator[dict[str, list[Call]]]:
    """Record every call that training makes of `descend` and `convexify` in this context."""
    calls: dict[str, list[Call]] = {name: [] for name in STEPS}

    def recording(name: str, step: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **options: Any) -> Any:
            started = clock()
            result = step(*args, **options)
            calls[name].append(Call(clock() - started, result))
            return result

        return run

    with ExitStack() as stack:
        for path, module in list(sys.modules.items()):
            for name, step in STEPS.items():
                if path.startswith("cvxnn.training.") and vars(module).get(name) is step:
                    stack.enter_context(patch.object(module, name, recording(name, step)))
        yield calls


def first(calls: list[Call], name: str) -> Call:
    """Return the first call of a step.

    Raises
    ------
    RuntimeError
        If training never made one.
    """
    if not calls:
        raise RuntimeError(f"training made no call of {name} before it ended")
    return calls[0]
