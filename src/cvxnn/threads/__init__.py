"""Threads: BLAS on one of them while the package computes, and the sharing out of rows and problems on all.

A room of the package's own: its names are not public.
"""

from cvxnn.threads.blas import on_one_blas_thread as on_one_blas_thread
from cvxnn.threads.blas import single_threaded_blas as single_threaded_blas
from cvxnn.threads.tasks import run_tasks as run_tasks
