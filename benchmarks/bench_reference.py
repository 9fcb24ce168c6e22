"""The reference descent: checked against SciPy's L-BFGS-B, and its figures on images.

The check: on small problems of smooth losses, of one output and several, with and without offset and weights, values
are those of `Problem.objective`, slopes those of its differences, and from the same start SciPy's L-BFGS-B, in float64
and without chunks, ends within a hundredth (the two take different steps, and local minima differ). It takes seconds;
``--check`` runs it alone. The figures: pixels over 255, centred, a column of ones, output offset, softmax, beta 5 for
60,000 images and in proportion for fewer; accuracy on the 10,000 test images. They need the images in the folder that
CVXNN_DATA names.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.optimize import minimize

from baselines import CLOCKS, Budget, objective_by, reference_network
from cvxnn import Problem
from cvxnn.validation import Array
from data_splits import mnist, pixel_accuracy, pixel_problem
from plain_descent import ChunkedObjective, balanced_start
from reporting import arguments, print_table, write_json

BETA, IMAGES = 5.0, 60_000
MARKS = (1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 81.0, 150.0)
NEURONS = 50  # in the check
THREADS, CHUNK_ROWS = 3, 37  # 200 rows make uneven chunks in uneven parts
VALUE_TOL = SLOPE_TOL = 1e-5  # of float32, and of central differences at 1e-5, which cross some kinks
END_TOL = 1e-2  # of local minima


def small_problems() -> Iterator[Problem]:
    """Yield a problem for each smooth loss and kind of targets, 200 x 6 with a column of ones."""
    rng = np.random.default_rng(0)
    X = np.hstack([rng.standard_normal((200, 5)), np.ones((200, 1))])
    f = np.maximum(X @ rng.standard_normal((6, 4)), 0.0) @ rng.standard_normal((4, 3))
    f += 0.1 * rng.standard_normal(f.shape) - f.mean(axis=0)
    classes, weights = np.argmax(f, axis=1), rng.uniform(0.5, 2.0, 200)
    for loss in ("squared", "huber"):
        yield Problem(X, f[:, 0] + 3.0, 1.0, loss)
        yield Problem(X, f[:, 0] + 3.0, 1.0, loss, output_offset=True, sample_weight=weights)
        yield Problem(X, f, 1.0, loss, output_offset=True)
    for loss in ("logistic", "squared_hinge"):
        yield Problem(X, np.sign(f[:, 0]), 0.5, loss)
        yield Problem(X, np.sign(f), 0.5, loss, output_offset=True, sample_weight=weights)
    yield Problem(X, np.eye(3)[classes], 0.5, "multinomial")
    yield Problem(X, np.eye(3)[classes], 0.5, "multinomial", output_offset=True, sample_weight=weights)


def scipy_end(problem: Problem, objective: ChunkedObjective, start: Array) -> float:
    """Return where SciPy's L-BFGS-B ends, with value and gradient in float64 and all rows at once."""

    def value_and_gradient(w: Array) -> tuple[float, Array]:
        U, A, b = objective.layers(w)
        H = np.maximum(problem.X @ U, 0.0)
        f = (H @ A).reshape(problem.y.shape)
        offset = b + problem.shift if b.size else np.zeros(problem.n_outputs)
        R = problem.loss_gradient(f, offset).reshape(-1, problem.n_outputs)
        of_U = problem.X.T @ (R @ A.T * (H > 0)) + problem.beta * U
        of_A = H.T @ R + problem.beta * A
        squares = float(np.sum(U**2) + np.sum(A**2))
        value = problem.loss_value(f, offset) + 0.5 * problem.beta * squares
        return value, np.concatenate([of_U.ravel(), of_A.ravel(), np.sum(R, axis=0)[: b.size]])

    options = {"maxiter": 5000, "maxfun": 10_000, "maxcor": 20, "ftol": 1e-10}
    return float(minimize(value_and_gradient, start, jac=True, method="L-BFGS-B", options=options).fun)


def unit(v: Array) -> Array:
    """Return a vector over its length."""
    return np.asarray(v / np.linalg.norm(v))


def checked(problem: Problem) -> dict[str, Any]:
    """Return the relative errors of value and slope at the start, and both ends."""
    rng = np.random.default_rng(1)
    objective = ChunkedObjective(problem, NEURONS, THREADS, chunk_entries=CHUNK_ROWS * NEURONS)
    start = balanced_start(objective, np.random.default_rng(0))
    value, gradient = objective(start)
    exact = problem.objective(objective.network(start))
    # along the gradient, for its size, and across it, for its direction
    direction = unit(gradient) + unit(rng.standard_normal(start.size))
    direction = 1e-5 * unit(direction)
    ahead, behind = (problem.objective(objective.network(start + sign * direction)) for sign in (1.0, -1.0))
    size = float(np.linalg.norm(gradient) * np.linalg.norm(direction))
    _, curve = reference_network(problem, Budget(20.0), 0, m=NEURONS)
    return {
        "problem": repr(problem),
        "value error": abs(value - exact) / exact,
        "slope error": abs(float(gradient @ direction) - 0.5 * (ahead - behind)) / size,
        "reference": curve[-1][1],
        "SciPy": scipy_end(problem, objective, start.astype(np.float64)),
    }


def passes(row: dict[str, Any]) -> bool:
    """Return whether values, slopes and the end are right."""
    return bool(
        row["value error"] <= VALUE_TOL
        and row["slope error"] <= SLOPE_TOL
        and row["reference"] <= (1.0 + END_TOL) * row["SciPy"]
    )


def image_row(n: int, seconds: float) -> dict[str, Any]:
    """Return objectives at marks, and accuracy, on the first n images of MNIST."""
    split = mnist(n)
    problem = pixel_problem(split, BETA * n / IMAGES)
    network, curve = reference_network(problem, Budget(seconds, CLOCKS["wall"]), 0)
    marks = {f"{mark:g} s": objective_by(curve, mark) for mark in MARKS if mark <= seconds}
    return {
        "images": n, "seconds": curve[-1][0], "objective": curve[-1][1],
        "accuracy": pixel_accuracy(network, split), **marks,
    }  # fmt: skip


def main() -> None:
    """Check, run, print, write."""
    parser = arguments(__doc__, "reference")
    parser.add_argument("--check", action="store_true", help="only the check")
    parser.add_argument("--images", nargs="*", type=int, default=[2000, 10_000, 60_000])
    parser.add_argument("--seconds", nargs="*", type=float, default=[10.0, 20.0, 81.0], help="of each number")
    options = parser.parse_args()
    checks = [row | {"ok": passes(row)} for row in map(checked, small_problems())]
    print_table(list(checks[0]), [list(row.values()) for row in checks])
    rows: list[dict[str, Any]] = []
    if not options.check and os.environ.get("CVXNN_DATA"):
        for n, seconds in zip(options.images, options.seconds, strict=True):
            rows.append(image_row(n, seconds))
            print_table(list(rows[-1]), [list(rows[-1].values())])
    write_json(options.out, {"checks": checks, "images": rows})
    if not all(row["ok"] for row in checks):
        raise SystemExit("the reference descent is not what it should be: see the rows that are not ok")


if __name__ == "__main__":
    main()
