"""BLAS on one thread while the package computes: most of its products are over before a second thread has started.

BLAS threads wait for each other at every product, and with other busy processes on the machine each wait lasts until
the scheduler comes round: `beta_max` on 1,030 x 9 took ten times as long with two threads as with one. What pays on
several threads shares out rows or problems instead (`cvxnn.linear_maps`), on as many threads as BLAS was allowed.
"""

from __future__ import annotations

import inspect
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import cache, lru_cache, wraps
from typing import Any, ParamSpec, TypeVar, cast

from joblib import cpu_count
from threadpoolctl import ThreadpoolController

P = ParamSpec("P")
R = TypeVar("R")


@cache
def cores() -> int:
    """Return how many cores the process may use, a container's quota and an affinity taken into account."""
    return int(cpu_count())


def blas_libraries() -> list[Any]:
    """Return the controllers of all BLAS libraries that are loaded."""
    return _libraries_beside("scipy.linalg" in sys.modules, "cvxpy" in sys.modules)


@lru_cache(maxsize=4)
def _libraries_beside(*_: bool) -> list[Any]:
    # Looked for once, and again when packages that bring a BLAS of their own have been imported: a look costs a
    # millisecond, a walk over 1000 rows a third of one.
    return list(ThreadpoolController().select(user_api="blas").lib_controllers)


def is_set_by_thread(library: Any) -> bool:
    """Return whether each thread has a setting of its own, as with OpenMP underneath."""
    return getattr(library, "threading_layer", None) == "openmp"


def _set_threads(library: Any, number: int) -> None:
    # threadpoolctl 3.8 lets one thread set OpenBLAS and ignores all others until that one gives it free; here whoever
    # comes first sets, and whoever leaves last sets back, one at a time.
    release = getattr(library, "clear_controlling_thread", None)
    if release is not None:
        release(force=True)
    library.set_num_threads(number)
    if release is not None:
        release(force=True)


class _OwnSettings(threading.local):
    """A thread's own settings, to be set back when it has left as often as it entered."""

    def __init__(self) -> None:
        self.depth = 0
        self.before: list[tuple[Any, int]] = []

    def enter(self, found: list[tuple[Any, int]]) -> None:
        if self.depth == 0:
            self.before = [pair for pair in found if is_set_by_thread(pair[0])]
            _limit(self.before)
        self.depth += 1

    def leave(self) -> None:
        self.depth -= 1
        if self.depth == 0:
            _restore(self.before)


def _limit(before: list[tuple[Any, int]]) -> None:
    for library, number in before:
        if number > 1:
            _set_threads(library, 1)


def _restore(before: list[tuple[Any, int]]) -> None:
    for library, number in before:
        if number > 1:
            _set_threads(library, number)


class _SingleThreadedBlas(AbstractContextManager[int]):
    """Holds BLAS at one thread while anybody is inside; entering gives the number of threads BLAS was allowed.

    Counted, because the setting belongs to the process: of two user threads the one that came first may leave first,
    and what it would then restore is not what the other one needs. Where it belongs to the thread, each counts its own.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders = 0
        self._before: list[tuple[Any, int]] = []
        self._own = _OwnSettings()
        self._allowed = 1
        if hasattr(os, "register_at_fork"):  # a fork may copy the lock while another thread holds it
            os.register_at_fork(after_in_child=self._renew_lock)

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> int:
        with self._lock:
            if self._holders == 0 or self._own.depth == 0:
                found = [(library, library.get_num_threads()) for library in blas_libraries()]
                if self._holders == 0:
                    # the largest: some packages bring a BLAS that was built without threads
                    self._allowed = min(cores(), max((number for _, number in found), default=cores()))
                    self._before = [pair for pair in found if not is_set_by_thread(pair[0])]
                    _limit(self._before)
            else:
                found = []
            self._own.enter(found)
            self._holders += 1
            return self._allowed

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._own.leave()
            self._holders -= 1
            if self._holders == 0:
                _restore(self._before)


single_threaded_blas = _SingleThreadedBlas()


def on_one_blas_thread(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function or method, or each step of a generator, run with BLAS on one thread.

    Walks over rows inside it still use every thread that BLAS was allowed outside.

    Parameters
    ----------
    function : callable
        What is decorated: every public function that takes a time limit or a seed, and what computes with problems,
        networks and programs.

    Examples
    --------
    >>> @on_one_blas_thread
    ... def gram(X):
    ...     return X.T @ X
    """
    if inspect.isgeneratorfunction(function):
        return cast(Callable[P, R], _step_by_step(function))

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with single_threaded_blas:
            return function(*args, **kwargs)

    return run


def _step_by_step(function: Callable[P, Iterator[Any]]) -> Callable[P, Iterator[Any]]:
    """Return a generator that is inside the context while it computes, and outside while its caller does."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> Iterator[Any]:
        steps = function(*args, **kwargs)
        try:
            while True:
                with single_threaded_blas:
                    try:
                        value = next(steps)
                    except StopIteration:
                        return
                yield value
        finally:
            if inspect.isgenerator(steps):
                with single_threaded_blas:
                    steps.close()

    return run
