"""A thread per core for walks over rows, with single-threaded BLAS inside.

BLAS splits one product over threads; a walk splits rows instead, so that the element-wise passes between two products
run on every core too, on numbers still in that core's cache. A walk takes as many threads as BLAS was allowed, so
``OMP_NUM_THREADS``, ``threadpoolctl.threadpool_limits`` and joblib's limits hold for both.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from contextvars import copy_context
from functools import cache
from typing import Any, TypeVar

from joblib import cpu_count
from threadpoolctl import ThreadpoolController

Task = TypeVar("Task")

# Entries of X below which BLAS gets one thread: products are over before a second one has started. On 200 rows, with
# the machine's other core busy, two threads took 5 times as long as one.
_SMALL = 1_000_000


@cache
def _cores() -> int:
    return int(cpu_count())


@cache
def _blas_libraries() -> list[Any]:
    # Looked for once: a look costs a millisecond, a walk over 1000 rows a third of one.
    return list(ThreadpoolController().select(user_api="blas").lib_controllers)


def _is_set_by_thread(library: Any) -> bool:
    # With OpenMP underneath each thread has a setting of its own: workers get theirs when they start, and the caller
    # keeps what it has.
    return getattr(library, "threading_layer", None) == "openmp"


class _SingleThreadedBlas(AbstractContextManager[int]):
    """Holds BLAS at one thread while anybody is inside; entering gives the number of threads BLAS was allowed.

    Counted, because the setting belongs to the process: of two user threads the one that came first may leave first,
    and what it would then restore is not what the other one needs.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders = 0
        self._before: list[tuple[Any, int]] = []
        self._allowed = 1
        if hasattr(os, "register_at_fork"):  # a fork may copy the lock while another thread holds it
            os.register_at_fork(after_in_child=self._renew_lock)

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> int:
        with self._lock:
            if self._holders == 0:
                found = [(library, library.get_num_threads()) for library in _blas_libraries()]
                # the largest: some packages bring a BLAS that was built without threads
                self._allowed = min(_cores(), max((number for _, number in found), default=_cores()))
                self._before = [
                    (library, number)
                    for library, number in found
                    if number > 1 and not _is_set_by_thread(library)
                ]
                for library, _ in self._before:
                    _set_threads(library, 1)
            self._holders += 1
            return self._allowed

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._holders -= 1
            if self._holders == 0:
                for library, number in self._before:
                    _set_threads(library, number)


def _set_threads(library: Any, number: int) -> None:
    # threadpoolctl 3.8 lets one thread set OpenBLAS and ignores all others until that one gives it free; here whoever
    # comes first sets, and whoever leaves last sets back, one at a time.
    release = getattr(library, "clear_controlling_thread", None)
    if release is not None:
        release(force=True)
    library.set_num_threads(number)
    if release is not None:
        release(force=True)


def _start_worker() -> None:
    for library in _blas_libraries():
        if _is_set_by_thread(library):
            library.set_num_threads(1)


single_threaded_blas = _SingleThreadedBlas()


def fitting_blas_threads(X: Any) -> AbstractContextManager[Any]:
    """Return a context in which BLAS uses one thread where X is small, and what it was set to otherwise.

    Walks over rows inside it still use every thread that BLAS was allowed outside.
    """
    return single_threaded_blas if X.size < _SMALL else nullcontext()


# By process: a forked child has its parent's executor but none of its threads.
_pools: dict[int, ThreadPoolExecutor] = {}


def _pool() -> ThreadPoolExecutor:
    pid = os.getpid()
    if pid not in _pools:  # an executor starts threads when it gets work, so one made twice costs nothing
        pool = ThreadPoolExecutor(max(1, _cores() - 1), "cvxnn-walk", initializer=_start_worker)
        _pools.setdefault(pid, pool)
    return _pools[pid]


class _Tasks:
    """Hands out tasks to several threads, each once, until they are used up or dropped."""

    def __init__(self, tasks: Iterable[Any]) -> None:
        self._lock = threading.Lock()
        self._left = iter(tasks)

    def run(self, task: Callable[[Any], None]) -> None:
        """Run tasks until none is left; after an error no thread starts another one."""
        try:
            while (item := self._next()) is not None:
                task(item)
        except BaseException:
            self.drop()
            raise

    def _next(self) -> Any:
        with self._lock:
            return next(self._left, None)

    def drop(self) -> None:
        """Forget the tasks that nobody has started."""
        with self._lock:
            self._left = iter(())


def run_tasks(run: Callable[[Task], None], tasks: Iterable[Task], n_threads: int) -> None:
    """Call ``run`` on every task, on up to ``n_threads`` threads, this one among them.

    Returns when all calls have ended. The caller works too and waits for nobody who has not started, so a walk inside
    a walk, or in many user threads, cannot wait for itself. The first error stops the rest and is raised here.
    Worker threads see the caller's context variables, hence its ``np.errstate``.
    """
    if n_threads <= 1:
        for task in tasks:
            run(task)
        return
    queue = _Tasks(tasks)
    futures = [_pool().submit(copy_context().run, queue.run, run) for _ in range(n_threads - 1)]
    try:
        queue.run(run)
        _finish(futures)
    except BaseException:  # an interrupt too: nobody may write to our arrays once we have left
        queue.drop()
        wait([future for future in futures if not future.cancel()])
        raise


def _finish(futures: list[Future[None]]) -> None:
    for future in futures:
        if not future.cancel():
            future.result()
