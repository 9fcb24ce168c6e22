"""Solve the convex program on given gates with pyscnn: an augmented Lagrangian, or R-FISTA for the gated program.

Runs in the peers' environment: ``python pyscnn_relu.py PROBLEM.npz SOLUTION.npz '{"gated": true}'``; files as for
adelie_relu.py. pyscnn's loss is a mean, so its penalty is beta / n; its tolerances are its defaults. It drops repeated
patterns and sorts gates, so the gates come back with the blocks. Its scaling of columns is off: that would scale the
penalty too.
"""

import json
import sys
import time

import numpy as np
from scnn.metrics import Metrics
from scnn.models import ConvexGatedReLU, ConvexReLU
from scnn.optimize import optimize_model
from scnn.regularizers import NeuronGL1
from scnn.solvers import AL, RFISTA

DEFAULTS = {"gated": False, "tol": 1e-6, "dtype": "float32"}


def solve(X, y, beta, gates, gated, tol, dtype):
    """Return gates (d, P), blocks (S, d, P), the seconds of the solve, and the CPU seconds of the process in it."""
    model = ConvexGatedReLU(gates) if gated else ConvexReLU(gates)
    solver = RFISTA(model, tol=tol) if gated else AL(model, tol=tol, constraint_tol=tol)
    clocks = time.perf_counter(), time.process_time()
    found, _ = optimize_model(
        model,
        solver,
        Metrics(),
        X,
        y,
        regularizer=NeuronGL1(beta / len(y)),
        return_convex=True,
        unitize_data=False,
        dtype=dtype,
    )
    seconds, cpu_seconds = time.perf_counter() - clocks[0], time.process_time() - clocks[1]
    # parameters: one (1, P, d) array for each output sign
    blocks = np.stack([np.asarray(part)[0].T for part in found.get_parameters()])
    return found.G, blocks.astype(np.float64), seconds, cpu_seconds


def main():
    """Read the problem, warm up on its first rows and gates, solve, write."""
    problem, options = np.load(sys.argv[1]), {**DEFAULTS, **json.loads(sys.argv[3])}
    X, y, beta, gates = (problem[name] for name in ("X", "y", "beta", "gates"))
    solve(X[:20], y[:20], float(beta), gates[:, :2], **options)
    gates, blocks, seconds, cpu_seconds = solve(X, y, float(beta), gates, **options)
    np.savez(sys.argv[2], gates=gates, blocks=blocks, seconds=seconds, cpu_seconds=cpu_seconds)


if __name__ == "__main__":
    main()
