"""Gradient descent on the network against the convex optimum on its patterns; one input, large and small starts.

Set-up: 100 Gaussian points in d = 10, labels linear in x, 20 Gaussian neurons, full-batch gradient descent, 300 steps;
labels scaled so that ||y||^2, the loss of the null network, is 1. Losses are printed as ||f - y||^2, twice the
library's. The source states neither the scale of the start nor the step: both are varied. Programs have the patterns
and output signs of the network's neurons ("own") or both signs of each pattern ("both").
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn import Problem
from cvxnn.dynamics.beside_convex.comparison import ConvexComparison, convex_comparison
from cvxnn.dynamics.descent.simulation import simulate
from cvxnn.dynamics.starts.weights import Weights
from cvxnn.dynamics.trajectories.trajectory import Trajectory
from reporting import arguments, print_table, write_json

Array = NDArray[np.float64]

N, D, M, N_STEPS = 100, 10, 20, 300
SCALES = (1e-1, 1e-2, 1e-3, 1e-4, 3e-5, 1e-5, 1e-6)
STEPS = (0.005, 0.01, 0.02, 0.05)
SCALE, STEP = 1e-5, 0.02  # the start and the step of the comparison
BETAS = (1e-2, 1e-3, 1e-4)
LONG = 3000  # steps after which descent has converged

# One input: labels x + OFFSET. The direction X^T y that small neurons turn to switches at -1.3; the line at -OFFSET.
ONE_X = np.array([-0.75, 0.0, 0.75, 1.5])
OFFSET = 1.41
ONE_M = 1000
LARGE = {"scale": 1.0, "step_size": 2e-4, "n_steps": 1000}
SMALL = {"scale": 1e-6, "step_size": 2e-3, "n_steps": 1000}


def linear_data(seed: int) -> tuple[Array, Array]:
    """Return Gaussian X and labels linear in x, of norm one."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((N, D))
    y = X @ rng.standard_normal(D)
    return X, y / np.linalg.norm(y)


def gaussian_start(seed: int, scale: float) -> Weights:
    """Return one network whose weights are all normal of one standard deviation."""
    rng = np.random.default_rng(10_000 + seed)
    return Weights(scale * rng.standard_normal((D, M)), scale * rng.standard_normal(M))


def spread(values: Any) -> str:
    """Return the mean and the range of numbers."""
    array = np.asarray(values, dtype=np.float64)
    return f"{array.mean():.3g} ({array.min():.3g} to {array.max():.3g})"


def pattern_rows(repetitions: int) -> list[list[Any]]:
    """Return how many patterns are left after 300 steps, for each scale of the start and each step size."""
    rows = []
    for scale in SCALES:
        counts = np.empty((repetitions, 2, len(STEPS)))
        losses = np.empty((repetitions, len(STEPS)))
        for seed in range(repetitions):
            problem = Problem(*linear_data(seed), beta=0.0)
            start = gaussian_start(seed, scale).repeat(len(STEPS))
            path = simulate(
                problem,
                start,
                n_steps=N_STEPS,
                step_size=np.array(STEPS),
                record=("loss", "unique_patterns"),
                n_records=2,
            )
            counts[seed], losses[seed] = path["unique_patterns"], 2 * path["loss"][-1]
        for k, step in enumerate(STEPS):
            end = counts[:, 1, k]
            rows.append([scale, step, spread(counts[:, 0, k]), spread(end), float(np.median(losses[:, k]))])
    return rows


def compared(seed: int, beta: float, both_signs: bool, n_steps: int) -> tuple[Trajectory, ConvexComparison]:
    """Return a descent, its objective at every step, and the comparison at its first and last step."""
    problem = Problem(*linear_data(seed), beta=beta)
    path = simulate(
        problem,
        gaussian_start(seed, SCALE),
        n_steps=n_steps,
        step_size=STEP,
        record=("objective", "weights"),
        n_records=n_steps + 1,
    )
    options: dict[str, Any] = {"both_signs": both_signs, "solver": "interior_point"}
    return path, convex_comparison(problem, path, at=[0, -1], **options)


def comparison_row(repetitions: int, beta: float, both_signs: bool, n_steps: int) -> list[Any]:
    """Return the row of one weight decay: initial optimum, when it is passed, and the end."""
    initial, final, excess, ends, counts, passed, gaps = [], [], [], [], [], [], []
    for seed in range(repetitions):
        path, found = compared(seed, beta, both_signs, n_steps)
        below = np.flatnonzero(path["objective"][:, 0] < found.lower_bound[0])
        passed.append(float(path.times[below[0]]) if below.size else np.inf)
        initial.append(2 * found.optimum[0])
        ends.append(2 * found.objective[-1])
        final.append(2 * found.optimum[-1])
        excess.append((found.objective[-1] - found.optimum[-1]) / found.optimum[-1])
        counts.append(found.unique_patterns[-1])
        gaps.append(float(found.gap.max()))
    when = [step for step in passed if np.isfinite(step)]
    return [
        beta, "both" if both_signs else "own", n_steps, spread(counts), spread(initial),
        f"{len(when)} of {repetitions}", spread(when) if when else "-", spread(ends), spread(final),
        f"{np.median(excess):.2g} (at most {max(excess):.2g})", max(gaps),
    ]  # fmt: skip


def one_input_problem() -> Problem:
    """Return four points with labels linear in the input, and the bias column."""
    return Problem(np.column_stack([ONE_X, np.ones(4)]), ONE_X + OFFSET, beta=0.0)


def uniform_start(seed: int, scale: float, m: int = ONE_M) -> Weights:
    """Return balanced neurons of one norm whose activation points are uniform on [-3, 3]."""
    rng = np.random.default_rng(seed)
    points, side, sign = rng.uniform(-3, 3, m), rng.choice([-1.0, 1.0], m), rng.choice([-1.0, 1.0], m)
    directions = side * np.vstack([np.ones(m), -points]) / np.hypot(1.0, points)
    return Weights(scale * directions, scale * sign)


def one_input_run(
    seed: int, *, scale: float, step_size: float, n_steps: int, n_records: int = 201
) -> Trajectory:
    """Return a descent of a thousand neurons on the four points."""
    record = ("loss", "weights", "patterns", "activation_points")
    options: dict[str, Any] = {"record": record, "n_records": n_records}
    return simulate(
        one_input_problem(), uniform_start(seed, scale), n_steps=n_steps, step_size=step_size, **options
    )


def one_input_figures(path: Trajectory) -> dict[str, float]:
    """Return how activation points moved, how aligned neurons were before the loss fell, and the fit off the data."""
    loss, points = path["loss"][:, 0], path["activation_points"][:, 0]
    moved = np.abs(points[-1] - points[0])
    start, end = (np.unpackbits(path["patterns"][i, 0], axis=0, count=4) for i in (0, -1))
    early = int(np.argmax(loss < 0.9 * loss[0])) - 1  # the last time at which the loss is above nine tenths
    hidden, output = path["hidden"][early, 0], path["output"][early, 0]
    pulled = (output > 0) & (one_input_problem().X @ path["hidden"][0, 0] > 0).any(axis=0)
    right = pulled & (hidden[0] > 0)
    at_target = np.abs(points[early] + 1.3) < 0.05
    grid = np.linspace(ONE_X[0], ONE_X[-1], 400)
    f = np.maximum(np.column_stack([grid, np.ones(400)]) @ path["hidden"][-1, 0], 0) @ path["output"][-1, 0]
    fell = path.times[np.argmax(loss < 0.1 * loss[0])] / path.times[-1]
    return {
        "loss at start": 2 * float(loss[0]),
        "loss at end": 2 * float(loss[-1]),
        "median move": float(np.median(moved)),
        "95 % move": float(np.quantile(moved, 0.95)),
        "patterns changed, %": 100 * float(np.mean(np.any(start != end, axis=0))),
        "step of 90 % of loss": float(path.times[early]),
        "step of 10 % of loss": float(fell * path.times[-1]),
        "at -1.3 +- 0.05 then, % of a > 0 to the right": 100 * float(np.mean(at_target[right])),
        "the same, % of all a > 0 not dead at the start": 100 * float(np.mean(at_target[pulled])),
        "largest |f - line| between points": float(np.max(np.abs(f - grid - OFFSET))),
    }  # fmt: skip


def one_input_rows(repetitions: int) -> list[list[Any]]:
    """Return the figures of large and small starts."""
    runs = {
        name: [one_input_figures(one_input_run(seed, **options)) for seed in range(repetitions)]
        for name, options in (("large", LARGE), ("small", SMALL))
    }
    names = runs["large"][0]
    return [
        [name, *(spread([run[name] for run in runs[size]]) for size in ("large", "small"))] for name in names
    ]


def draw(folder: Path) -> None:
    """Draw the pictures: the two curves, and the networks of one input."""
    from cvxnn.plots import save_figure
    from cvxnn.plots.dynamics.beside_convex import convex_comparison as picture_of
    from cvxnn.plots.geometry.switching import activation_points

    folder.mkdir(parents=True, exist_ok=True)
    problem = Problem(*linear_data(0), beta=1e-3)
    path = simulate(
        problem, gaussian_start(0, SCALE), n_steps=N_STEPS, step_size=STEP, record="weights", n_records=61
    )
    picture = picture_of(convex_comparison(problem, path, solver="interior_point"))
    save_figure(picture.plot(), folder / "convex_comparison.png")
    for name, options in (("large", LARGE), ("small", SMALL)):
        points = activation_points(
            one_input_problem(), one_input_run(0, n_records=81, **options), domain=(-3.0, 3.0)
        )
        save_figure(points.plot(0), folder / f"{name}_start.png")
        save_figure(points.plot(), folder / f"{name}_end.png")
        save_figure(points.plot_paths(), folder / f"{name}_paths.png")
        points.save_gif(folder / f"{name}.gif")


def main() -> None:
    """Run the experiments, print their tables, write their figures."""
    parser = arguments(__doc__, "convex_comparison")
    parser.add_argument("--repetitions", type=int, default=20)
    parser.add_argument("--pictures", type=Path, help="a folder to draw the pictures in")
    options = parser.parse_args()
    repetitions = options.repetitions
    header = ["scale of the start", "step", "patterns at 0", f"patterns at {N_STEPS}", "loss, median"]
    patterns = pattern_rows(repetitions)
    print_table(header, patterns)
    print()
    columns = [
        "beta", "signs", "steps", "patterns at the end", "optimum, initial patterns", "passed by", "at step",
        "loss at the end", "optimum, final patterns", "excess of loss, median", "solver's gap, at most",
    ]  # fmt: skip
    cases = [(beta, both, N_STEPS) for beta in BETAS for both in (False, True)] + [(1e-3, False, LONG)]
    comparisons = [comparison_row(repetitions, *case) for case in cases]
    print_table(columns, comparisons)
    print()
    one_input = one_input_rows(repetitions)
    print_table(["one input, 1000 neurons", "large start", "small start"], one_input)
    write_json(options.out, {"patterns": patterns, "comparison": comparisons, "one_input": one_input})
    if options.pictures:
        draw(options.pictures)


if __name__ == "__main__":
    main()
