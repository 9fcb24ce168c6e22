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
from contextvars import copy_context
from typing import Any, TypeVar

from cvxnn.threads.blas import blas_libraries, cores, is_set_by_thread

Task = TypeVar("Task")


def _start_worker() -> None:
    # With OpenMP underneath each thread has a setting of its own.
    for library in blas_libraries():
        if is_set_by_thread(library):
            library.set_num_threads(1)


# By process: a forked child has its parent's executor but none of its threads.
_pools: dict[int, ThreadPoolExecutor] = {}


def _pool() -> ThreadPoolExecutor:
    pid = os.getpid()
    if pid not in _pools:  # an executor starts threads when it gets work, so one made twice costs nothing
        pool = ThreadPoolExecutor(max(1, cores() - 1), "cvxnn-walk", initializer=_start_worker)
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
