"""Solve the convex program on given gates with adelie: a group lasso by coordinate descent in C++.

Runs in the peers' environment: ``python adelie_relu.py PROBLEM.npz SOLUTION.npz '{"tol": 1e-7}'``. The problem holds
X (n, d), y (n,), beta, gates (d, P); the solution gates, blocks (S, d, P) of output signs +1 and -1 (or one, gated) and
seconds. adelie's loss is a mean, so its penalty is beta / n. It goes down a short path of penalties: from nothing it is
slower and ends higher.
"""

import json
import sys
import time

import adelie
import numpy as np

DEFAULTS = {
    "gated": False,
    "tol": 1e-7,  # of coordinate descent
    "path": 10,  # penalties, from 100 beta down
    "cone_tol": 1e-7,  # of a block's Newton method in its cone; its inner solvers take ten times as much
    "threads": 1,
}


def cone_constraints(X, masks, signs, cone_tol):
    """Return one constraint ``(1 - 2 D) X w <= 0`` a block; blocks of one pattern share the matrix."""
    n = len(X)
    upper, lower = np.zeros(n), np.full(n, -np.inf)
    configs = {"tol": cone_tol, "nnls_tol": 10 * cone_tol, "pinball_tol": 10 * cone_tol}
    matrices = [np.ascontiguousarray((1.0 - 2.0 * mask)[:, None] * X) for mask in masks.T]
    return [
        adelie.constraint.linear(A, lower, upper, configs=dict(configs), dtype=np.float64)
        for _ in range(signs)
        for A in matrices
    ]


def solve(X, y, beta, gates, gated, tol, path, cone_tol, threads):
    """Return blocks (S, d, P), the seconds of the solve, and the CPU seconds of the process in it."""
    n, d = X.shape
    masks = np.asfortranarray(X @ gates >= 0)
    blocks = masks.shape[1] * (1 if gated else 2)
    data = adelie.matrix.convex_relu(np.asfortranarray(X), masks, gated=gated, n_threads=threads)
    constraints = None if gated else cone_constraints(X, masks, 2, cone_tol)
    clocks = time.perf_counter(), time.process_time()
    state = adelie.grpnet(
        data,
        adelie.glm.gaussian(y),
        constraints=constraints,
        groups=d * np.arange(blocks),
        penalty=np.ones(blocks),
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
    weights = state.betas[-1].toarray().reshape(-1, masks.shape[1], d)
    return weights.transpose(0, 2, 1), seconds, cpu_seconds


def main():
    """Read the problem, warm up on its first rows and gates, solve, write."""
    problem, options = np.load(sys.argv[1]), {**DEFAULTS, **json.loads(sys.argv[3])}
    X, y, beta, gates = (problem[name] for name in ("X", "y", "beta", "gates"))
    # without cones: on data this small the constrained solver may run into its limit of descents
    solve(X[:20], y[:20], float(beta), gates[:, :2], **options | {"gated": True})
    blocks, seconds, cpu_seconds = solve(X, y, float(beta), gates, **options)
    np.savez(sys.argv[2], gates=gates, blocks=blocks, seconds=seconds, cpu_seconds=cpu_seconds)


if __name__ == "__main__":
    main()
