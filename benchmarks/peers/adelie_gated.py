"""Solve the gated program on given gates with adelie: a group lasso by coordinate descent in C++, on the dense matrix.

Runs in the peers' environment: ``python adelie_gated.py PROBLEM.npz SOLUTION.npz '{"tol": 1e-11}'``. The problem holds
X (n, d), y (n,), beta, gates (d, P); the solution gates, blocks (1, d, P) and the seconds. The matrix
``[D_1 X, ..., D_P X]`` of n x dP numbers is made before the clock starts. adelie's loss is a mean, so its
penalty is beta / n.
"""

import json
import sys
import time

import adelie
import numpy as np

DEFAULTS = {
    "tol": 1e-11,  # of coordinate descent; its objective is then still 2e-5 too high on the planted problem
    "path": 1,  # penalties, from 100 beta down
    "matrix": "dense",  # or "convex_relu", which never forms it
    "threads": 1,
}


def solve(X, y, beta, gates, tol, path, matrix, threads):
    """Return blocks (1, d, P), the seconds of the solve, and the CPU seconds of the process in it."""
    n, d = X.shape
    masks = np.asfortranarray(X @ gates >= 0)
    n_gates = masks.shape[1]
    if matrix == "dense":
        data = np.asfortranarray((masks[:, :, None] * X[:, None, :]).reshape(n, n_gates * d))
    else:
        data = adelie.matrix.convex_relu(np.asfortranarray(X), masks, gated=True, n_threads=threads)
    clocks = time.perf_counter(), time.process_time()
    state = adelie.grpnet(
        data,
        adelie.glm.gaussian(y),
        groups=d * np.arange(n_gates),
        penalty=np.ones(n_gates),
        lmda_path=beta / n * np.logspace(2 if path > 1 else 0, 0, path),
        tol=tol,
        intercept=False,
        early_exit=False,
        progress_bar=False,
        n_threads=threads,
    )
    seconds, cpu_seconds = time.perf_counter() - clocks[0], time.process_time() - clocks[1]
    if len(state.lmdas) < path:
        raise RuntimeError(f"adelie stopped after {len(state.lmdas)} of {path} penalties")
    return state.betas[-1].toarray().reshape(1, n_gates, d).transpose(0, 2, 1), seconds, cpu_seconds


def main():
    """Read the problem, warm up on its first rows and gates, solve, write."""
    problem, options = np.load(sys.argv[1]), {**DEFAULTS, **json.loads(sys.argv[3])}
    X, y, beta, gates = (problem[name] for name in ("X", "y", "beta", "gates"))
    solve(X[:20], y[:20], float(beta), gates[:, :2], **options | {"tol": 1e-7})
    blocks, seconds, cpu_seconds = solve(X, y, float(beta), gates, **options)
    np.savez(sys.argv[2], gates=gates, blocks=blocks, seconds=seconds, cpu_seconds=cpu_seconds)


if __name__ == "__main__":
    main()
