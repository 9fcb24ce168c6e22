"""What small and large starts do to a network, measured and predicted, over repetitions.

Small starts: when neurons align (T(delta) measured along small steps beside the closed form), how many are aligned once
the loss has fallen by a hundredth, and the steps of learning on orthogonal data. Large starts: how far the weights and
the tangent kernel move, the rates of its eigenvectors, and whether a large radius makes random-feature ridge of full
training (two features and a bias, 3 teacher neurons of radius 2, 20 neurons of radius r0). Separation: where gradient
flow on the logistic loss classifies everything, and its limit's margin beside the largest.

"refused" counts the repetitions in which a hypothesis does not hold. Medians over the others, with the worst behind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import process_time
from typing import Any

import numpy as np

from cvxnn import Problem, ReLUNetwork
from cvxnn.dynamics.descent.simulation import simulate
from cvxnn.dynamics.flows.logistic import logistic_flow
from cvxnn.dynamics.flows.separation_times import SEPARATING_LOSS, separation_time
from cvxnn.dynamics.initialisation import doubled
from cvxnn.dynamics.lazy_regime.closeness import lazy_training
from cvxnn.dynamics.lazy_regime.limits import training_limits
from cvxnn.dynamics.lazy_regime.random_feature_limit import output_training
from cvxnn.dynamics.lazy_regime.scaling import lazy_scaling
from cvxnn.dynamics.small_starts.alignment_theorem import early_alignment
from cvxnn.dynamics.small_starts.early_flow import EarlyPath, early_path
from cvxnn.dynamics.small_starts.learning_steps import SaddleToSaddle, saddle_to_saddle
from cvxnn.dynamics.starts.weights import Weights
from cvxnn.dynamics.trajectories.alignment import AlignmentCosines, aligned_share
from cvxnn.margin import compare_flow
from cvxnn.statistics import log_log_slope
from cvxnn.theorems import HypothesisError
from reporting import arguments, print_table, write_json

Row = list[Any]


def balanced(rng: np.random.Generator, d: int, m: int, size: float) -> ReLUNetwork:
    """Return a balanced network of one size, random directions and alternating signs."""
    U = rng.standard_normal((d, m))
    signs = np.where(np.arange(m) % 2 == 0, 1.0, -1.0)
    return ReLUNetwork(size * U / np.linalg.norm(U, axis=0), size * signs)


def mirrored(network: ReLUNetwork) -> ReLUNetwork:
    """Return the network of twice the neurons that predicts 0."""
    return doubled(Weights.of(network)).network()


def spread(values: Sequence[float]) -> str:
    """Return "median (largest)"."""
    return f"{np.median(values):.2g} ({np.max(values):.2g})" if len(values) else "-"


def labelled(rng: np.random.Generator, n: int, d: int) -> Problem:
    """Return Gaussian data with random labels."""
    return Problem(
        rng.standard_normal((n, d)), np.where(np.arange(n) % 2 == 0, 1.0, -1.0), beta=0.0, loss="logistic"
    )


def alignment_rows(repeats: int) -> list[Row]:
    """Compare measured and predicted alignment times, by sign and delta."""
    rows = []
    for delta in (1e-1, 1e-3):
        for sign in (1, -1):
            errors, shares, times, refused = ([], []), [], [], 0
            for seed in range(repeats):
                rng = np.random.default_rng(seed)
                problem, start = labelled(rng, 8, 3), balanced(rng, 3, 20, 1e-8)
                try:
                    found = early_alignment(problem, start, sign=sign, delta=delta)
                except HypothesisError:
                    refused += 1
                    continue
                times.append(found.time.predicted)
                errors[found.slides].append(abs(found.time.difference) / max(found.time.predicted, 1e-2))
                shares.append(abs(found.aligned.difference))
            rows.append([delta, sign, repeats, refused, spread(times), *map(spread, errors), spread(shares)])
    return rows


def predicted_share(paths: list[EarlyPath], output: np.ndarray, time: float) -> float:
    """Return the share aligned to 0.01 by the predicted paths, the mean over both signs."""
    cosines = np.array([path.cosine(time) for path in paths])[None]
    both = [aligned_share(cosines, output[None], sign=sign, delta=0.01)[0] for sign in (1, -1)]
    return float(np.nanmean(both))


def scale_rows(repeats: int) -> list[Row]:
    """Return the share of neurons aligned once the loss has fallen by a hundredth, against the size of the start."""
    sizes = np.array([1e-1, 1e-2, 1e-4, 1e-8])
    shares, lives, whens = [], [], []
    for seed in range(repeats):
        rng = np.random.default_rng(seed)
        problem, one = labelled(rng, 8, 3), balanced(rng, 3, 20, 1.0)
        paths = [
            early_path(problem.X, 0.5 * problem.y, u, a)
            for u, a in zip(one.hidden.T, one.output, strict=True)
        ]
        speed = max(float(np.max(np.linalg.norm(path.own_pulls, axis=1))) for path in paths)
        growth = max(path.rate for path in paths)
        step = 0.01 / speed
        n_steps = int(1.3 * (np.log(1 / sizes[-1]) / growth + 5 / growth) / step)
        run = simulate(
            problem,
            Weights(sizes[:, None, None] * one.hidden, sizes[:, None] * one.output),
            n_steps=n_steps,
            step_size=step,
            record=["loss", AlignmentCosines()],
            n_records=min(n_steps, 4000),
        )
        fallen = np.argmax(run["loss"] < 0.99 * run["loss"][0], axis=0)
        cosines = run["alignment"][fallen, np.arange(len(sizes))]
        both = [aligned_share(cosines, run.final.output, sign=sign, delta=0.01) for sign in (1, -1)]
        shares.append(np.nanmean(both, axis=0))
        lives.append([predicted_share(paths, one.output, step * run.times[k]) for k in fallen])
        whens.append(step * run.times[fallen])
    return [
        [size, repeats, when, share, predicted]
        for size, when, share, predicted in zip(
            sizes.tolist(),
            np.median(whens, axis=0).tolist(),
            np.mean(shares, axis=0).tolist(),
            np.mean(lives, axis=0).tolist(),
            strict=True,
        )
    ]


def steps_rows(repeats: int) -> list[Row]:
    """Compare the steps of learning on orthogonal data with their prediction."""
    rows = []
    for size in (1e-3, 1e-6):
        found = []
        for seed in range(repeats):
            rng = np.random.default_rng(seed)
            X = np.linalg.qr(rng.standard_normal((6, 5)))[0].T
            y = rng.uniform(0.7, 1.3, 5) * np.where(np.arange(5) % 2 == 0, 1.2, -0.6)
            found.append(saddle_to_saddle(Problem(X, y, beta=0.0), balanced(rng, 6, 12, size)))
        for apart in (1.0, 1.3):
            kept = [each for each in found if least_ratio(each) >= apart]
            worst = [
                [
                    max(abs(one.difference) for one in part)
                    for part in (each.slopes, each.escapes, each.levels)
                ]
                for each in kept
            ]
            counts = spread([len(each.steps) for each in kept])
            rows.append([size, apart, len(kept), counts, *map(spread, np.array(worst).T)])
    return rows


def least_ratio(found: SaddleToSaddle) -> float:
    """Return the least ratio of the times of consecutive steps."""
    times = np.array([step.time for step in found.steps])
    return float(np.min(times[1:] / times[:-1], initial=np.inf))


def unit_problem(rng: np.random.Generator, n: int, d: int) -> Problem:
    """Return unit rows with standard normal targets."""
    X = rng.standard_normal((n, d))
    return Problem(X / np.linalg.norm(X, axis=1, keepdims=True), rng.standard_normal(n), beta=0.0)


def lazy_rows(repeats: int) -> list[Row]:
    """Return the course of training beside the tangent kernel's, against the scale of the start."""
    rows = []
    for scale in (0.3, 1.0, 3.0, 10.0, 30.0):
        columns: list[list[float]] = [[], [], [], [], []]
        refused, holds = 0, 0
        for seed in range(repeats):
            rng = np.random.default_rng(seed)
            problem = unit_problem(rng, 6, 4)
            half = ReLUNetwork(scale * rng.standard_normal((4, 50)), scale * rng.standard_normal(50))
            try:
                lazy = lazy_training(problem, mirrored(half), n_steps=1000, n_records=60)
            except HypothesisError:
                refused += 1
                continue
            holds += lazy.slowest.holds
            errors = [abs(rate.difference) for rate in lazy.rates if np.isfinite(rate.measured)]
            found = (lazy.relative_movement, lazy.kernel_movement, lazy.flipped, max(errors), lazy.deviation)
            for column, value in zip(columns, found, strict=True):
                column.append(value)
        rows.append([scale, repeats, refused, f"{holds}/{repeats - refused}", *map(spread, columns)])
    return rows


def slope_rows(repeats: int) -> list[Row]:
    """Return slopes of the relative movements against scale and width."""
    by_scale, by_kernel, by_width = [], [], []
    widths = np.array([20, 80, 320, 1280])
    for seed in range(repeats):
        rng = np.random.default_rng(seed)
        problem = unit_problem(rng, 6, 4)
        half = ReLUNetwork(rng.standard_normal((4, 50)), rng.standard_normal(50))
        found = lazy_scaling(problem, mirrored(half), [1.0, 3.0, 10.0, 30.0], n_steps=1000)
        factors = found.factors[1:]
        by_scale.append(log_log_slope(factors, found.movements[1:]).value)
        by_kernel.append(log_log_slope(factors, found.kernel_movements[1:]).value)
        moved = []
        for m in widths:
            wide = ReLUNetwork(3.0 * rng.standard_normal((4, m // 2)), 3.0 * rng.standard_normal(m // 2))
            # the second factor is only there for the slope, which is not used
            moved.append(lazy_scaling(problem, mirrored(wide), [1.0, 2.0], n_steps=1000).movements[0])
        by_width.append(log_log_slope(widths, moved).value)
    return [
        [name, predicted, repeats, float(np.median(values)), float(np.min(values)), float(np.max(values))]
        for name, predicted, values in (
            ("weights, scale 3 to 30", "-2", by_scale),
            ("kernel, scale 3 to 30", "at most -2", by_kernel),
            ("weights, width 20 to 1280", "-1", by_width),
        )
    ]


def sphere(rng: np.random.Generator, d: int, m: int, radius: float) -> ReLUNetwork:
    """Return neurons (a, u) uniform on a sphere."""
    points = rng.standard_normal((d + 1, m))
    points *= radius / np.linalg.norm(points, axis=0)
    return ReLUNetwork(points[1:], points[0])


def ridge_rows(repeats: int) -> list[Row]:
    """Compare training of output weights alone with ridge regression."""
    rows = []
    for ratio, n_steps in ((0.0, 5000), (1e-3, 20_000), (1e-2, 5000)):
        course, limit = [], []
        for seed in range(repeats):
            rng = np.random.default_rng(seed)
            X = np.hstack([rng.standard_normal((50, 2)), np.ones((50, 1))])
            y, start = sphere(rng, 3, 3, 2.0).predict(X), sphere(rng, 3, 20, 10.0)
            largest = float(np.linalg.norm(np.maximum(X @ start.hidden, 0.0), 2)) ** 2
            found = output_training(Problem(X, y, beta=ratio * largest), start, n_steps=n_steps)
            course.append(found.course.measured)
            limit.append(found.limit.measured)
        rows.append([ratio, repeats, spread(course), spread(limit)])
    return rows


def radius_rows(repeats: int, n_steps: int) -> list[Row]:
    """Return what moves, and how near full training is to linear models, against the radius of the start."""
    rows = []
    builds: list[tuple[str, Callable[[ReLUNetwork], ReLUNetwork]]] = [
        ("sphere", lambda network: network),
        ("mirrored", lambda network: mirrored(ReLUNetwork(network.hidden[:, :10], network.output[:10]))),
    ]
    for name, build in builds:
        for radius in (0.05, 0.5, 2.0, 10.0, 100.0):
            found = []
            for seed in range(repeats):
                rng = np.random.default_rng(seed)
                X, test = (np.hstack([rng.standard_normal((k, 2)), np.ones((k, 1))]) for k in (100, 500))
                problem = Problem(X, sphere(rng, 3, 3, 2.0).predict(X), beta=0.0)
                start = build(sphere(rng, 3, 20, radius))
                # at small radii the kernel grows to that of weights of the teacher's size
                step = 0.5 / (np.linalg.norm(X, 2) ** 2 * max(2.0**2 * 3, radius**2 * 20))
                limits = training_limits(problem, start, test, n_steps=n_steps, step_size=step)
                moved = limits.movement
                found.append(
                    [
                        np.median(moved.turns),
                        np.median(moved.stretches),
                        np.median(moved.outputs),
                        limits.from_linearised,
                        limits.from_output_only,
                        limits.from_ridge,
                        limits.hidden_share,
                        limits.loss,
                    ]
                )
            rows.append([name, radius, repeats, *np.median(found, axis=0).tolist()])
    return rows


def separation_rows(repeats: int) -> list[Row]:
    """Return when flow separates data, and how its limit compares with the largest margin."""
    rows = []
    for kind in ("orthogonally separable", "random labels"):
        clocks, early, short, is_kkt, refused = [], 0, [], 0, 0
        for seed in range(repeats):
            rng = np.random.default_rng(seed)
            y = np.where(np.arange(6) % 2 == 0, 1.0, -1.0)
            X = rng.standard_normal((6, 3))
            if kind == "orthogonally separable":
                X = y[:, None] * np.abs(X)
            flow = logistic_flow(X, y, n_neurons=20, random_state=seed)
            losses = np.exp(flow.log_losses)
            clocks.append(float(separation_time(flow.clock, losses)[0]))
            for U, loss in zip(flow.hidden, losses, strict=True):
                f = np.maximum(X @ U, 0.0) @ (flow.signs * np.linalg.norm(U, axis=0))
                if SEPARATING_LOSS <= loss < 1.0 and np.min(y * f) <= 0:
                    early += 1
                    break
            try:
                compared = compare_flow(flow)
            except HypothesisError:
                refused += 1
                continue
            is_kkt += compared.limit.point.is_kkt
            short.append(compared.shortfall)
        finite = [clock for clock in clocks if np.isfinite(clock)]
        rows.append(
            [
                kind,
                repeats,
                len(finite),
                spread(finite),
                early,
                refused,
                f"{is_kkt}/{repeats - refused}",
                spread(short),
            ]
        )
    return rows


def main() -> None:
    """Print all tables and write their figures."""
    parser = arguments(__doc__, "implicit_bias")
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--steps", type=int, default=5000, help="steps of the study of radii")
    options = parser.parse_args()
    n = options.repeats
    tables: list[tuple[str, list[str], Callable[[], list[Row]]]] = [
        (
            "alignment",
            [
                "delta",
                "sign",
                "repeats",
                "refused",
                "T predicted",
                "|T / predicted - 1|",
                "where some slide",
                "|share - predicted|",
            ],
            lambda: alignment_rows(n),
        ),
        (
            "alignment before the loss falls",
            [
                "size",
                "repeats",
                "time of 99 % of the loss",
                "share aligned then",
                "predicted",
            ],
            lambda: scale_rows(n),
        ),
        (
            "steps on orthogonal data",
            [
                "size",
                "times apart",
                "runs",
                "steps",
                "|slope / predicted - 1|",
                "|time / predicted - 1|",
                "|level|",
            ],
            lambda: steps_rows(n),
        ),
        (
            "lazy training",
            [
                "scale",
                "repeats",
                "refused",
                "bound holds",
                "weights",
                "kernel",
                "flipped",
                "rates",
                "deviation",
            ],
            lambda: lazy_rows(n),
        ),
        (
            "slopes of movement",
            ["of", "predicted", "repeats", "median", "least", "largest"],
            lambda: slope_rows(n),
        ),
        (
            "output weights alone",
            ["beta / lambda_max", "repeats", "course", "distance from ridge"],
            lambda: ridge_rows(n),
        ),
        (
            "radius",
            [
                "start",
                "r0",
                "repeats",
                "turn",
                "stretch",
                "output",
                "linearised",
                "output only",
                "ridge",
                "hidden share",
                "loss",
            ],
            lambda: radius_rows(n, options.steps),
        ),
        (
            "separation",
            ["data", "repeats", "separated", "clock", "misclassified below 1", "refused", "KKT", "shortfall"],
            lambda: separation_rows(n),
        ),
    ]
    figures = {}
    for name, header, run in tables:
        started = process_time()
        rows = run()
        seconds = process_time() - started
        print(f"\n## {name} ({seconds:.1f} s)\n")
        print_table(header, rows)
        figures[name] = {"header": header, "rows": rows, "seconds": seconds}
    write_json(options.out, figures)


if __name__ == "__main__":
    main()
