"""Conditional gradient in the ball of the variation norm: its four rules compared, their rate, units for a target.

Four tables. Rules: random instances, for each activation and rule the mean excess over the optimum after 10 and after
all steps, neurons, CPU seconds, and the largest excess as a share of what the rate allows. Comparisons: on how many
instances, and at how many steps, a fully corrective run is above another rule's, and how often line search or the fixed
step is ahead. Overtaken: the first of these on many small instances of few steps. Units: steps to a target of given
total variation, against the total variation and the error asked for.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from cvxnn.function_spaces.conditional_gradient.ball_fits import constrained_fit
from cvxnn.function_spaces.conditional_gradient.method import ConditionalGradient
from cvxnn.function_spaces.conditional_gradient.rates import conditional_gradient_rate, units_for_target
from cvxnn.function_spaces.conditional_gradient.result import ConditionalGradientResult
from cvxnn.function_spaces.unit_norm.unit_networks import UnitNetwork
from reporting import arguments, print_table, write_json

RULES = ("fixed", "line_search", "away", "fully_corrective")
DEGREES = (0, 1, 2)
SIZES = ((8, 2), (12, 2), (20, 2), (10, 3))
# Of the loss of the zero network: objectives that differ by less are equal.
EQUAL = 1e-10


def instance(seed: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Return random data, targets and a radius."""
    rng = np.random.default_rng(seed)
    n, d = SIZES[seed % len(SIZES)]
    X = rng.standard_normal((n, d))
    if seed % 2:
        X[:, -1] = 1.0
    return X, rng.standard_normal(n), (0.5, 1.0, 3.0, 10.0)[seed // len(SIZES) % 4]


def padded(run: ConditionalGradientResult, steps: int) -> np.ndarray:
    """Return objectives at steps 0 to ``steps``; a run that is done stays where it is."""
    values = run.objectives
    return np.pad(values, (0, steps + 1 - len(values)), mode="edge")


def compare(degree: int, n_instances: int, steps: int) -> tuple[list[list[Any]], dict[str, Any]]:
    """Return the rows of the rules' table, and how the rules compare."""
    excess = {rule: np.zeros((n_instances, steps + 1)) for rule in RULES}
    seconds, neurons, share = (dict.fromkeys(RULES, 0.0) for _ in range(3))
    for seed in range(n_instances):
        X, y, delta = instance(seed)
        optimum = constrained_fit(X, y, delta, degree, tol=1e-12).objective
        rate = conditional_gradient_rate(X, y, delta, degree)
        for rule in RULES:
            began = time.process_time()
            run = ConditionalGradient(delta, rule, degree, max_steps=steps, tol=0.0).run(X, y)
            seconds[rule] += time.process_time() - began
            neurons[rule] += run.history[-1].neurons / n_instances
            most = max((one.measured / one.predicted for one in rate.comparisons(run, optimum)), default=0.0)
            share[rule] = max(share[rule], most)
            excess[rule][seed] = (padded(run, steps) - optimum) / run.objectives[0]
    rows = [
        [
            degree,
            rule,
            float(np.mean(excess[rule][:, 10])),
            float(np.mean(np.maximum(excess[rule][:, -1], 0.0))),
            neurons[rule],
            seconds[rule],
            share[rule],
        ]
        for rule in RULES
    ]
    return rows, _counts(excess)


def _counts(excess: dict[str, np.ndarray]) -> dict[str, Any]:
    above = {
        rule: excess["fully_corrective"][:, 1:] > excess[rule][:, 1:] + EQUAL
        for rule in ("line_search", "fixed")
    }
    line_ahead = excess["line_search"] < excess["fixed"] - EQUAL
    fixed_ahead = excess["fixed"] < excess["line_search"] - EQUAL
    return {
        "corrective_above": {
            rule: {"instances": int(np.sum(one.any(axis=1))), "steps": int(np.sum(one))}
            for rule, one in above.items()
        },
        "line_search_ahead": {
            str(t): int(np.sum(line_ahead[:, t])) for t in (1, 2, 5, 10, excess["fixed"].shape[1] - 1)
        },
        "fixed_ahead": {
            str(t): int(np.sum(fixed_ahead[:, t])) for t in (1, 2, 5, 10, excess["fixed"].shape[1] - 1)
        },
    }


def overtaken(degree: int, n_instances: int, steps: int = 8) -> list[Any]:
    """Return on how many small planar instances a fully corrective run is above another rule's at some step."""
    above, worst = dict.fromkeys(("line_search", "fixed"), 0), 0.0
    for seed in range(n_instances):
        rng = np.random.default_rng(10_000 + seed)
        n = int(rng.integers(3, 12))
        X, y, delta = rng.standard_normal((n, 2)), rng.standard_normal(n), float(10 ** rng.uniform(-1, 1.3))
        runs = {
            rule: padded(ConditionalGradient(delta, rule, degree, max_steps=steps, tol=0.0).run(X, y), steps)
            for rule in ("line_search", "fixed", "fully_corrective")
        }
        for rule in above:
            most = float(np.max(runs["fully_corrective"] - runs[rule]) / runs["fixed"][0])
            above[rule] += int(most > EQUAL)
            worst = max(worst, most)
    return [degree, n_instances, *above.values(), worst]


def units(degree: int, rule: str, repetitions: int) -> list[list[Any]]:
    """Return rows of steps to a target of four units, for several total variations and errors."""
    rows: list[list[Any]] = []
    for gamma, eps in ((1.0, 0.04), (1.0, 0.02), (1.0, 0.01), (2.0, 0.04), (4.0, 0.04)):
        used, needed = [], 0.0
        for seed in range(repetitions):
            rng = np.random.default_rng(seed)
            X = np.column_stack([rng.uniform(-1, 1, 20), np.ones(20)])
            V, w = rng.standard_normal((2, 4)), rng.standard_normal(4)
            target = UnitNetwork(V / np.linalg.norm(V, axis=0), gamma * w / np.sum(np.abs(w)), degree)
            found = units_for_target(X, target, eps, step=rule)
            used.append(found.steps.measured)
            needed = max(needed, found.steps.predicted)
        rows.append([degree, rule, gamma, eps, float(np.median(used)), float(np.max(used)), needed])
    return rows


def main() -> None:
    """Run the comparisons and print the tables."""
    parser = arguments(__doc__, "conditional_gradient")
    parser.add_argument("--quick", action="store_true", help="8 instances of 30 steps")
    options = parser.parse_args()
    n_instances, steps, repetitions = (8, 30, 3) if options.quick else (40, 60, 10)
    rules, counts, overtakes, used = [], {}, [], []
    for degree in DEGREES:
        rows, counts[str(degree)] = compare(degree, n_instances, steps)
        rules += rows
        overtakes.append(overtaken(degree, 50 if options.quick else 1000))
        for rule in ("fixed", "line_search", "fully_corrective"):
            used += units(degree, rule, repetitions)
    header = ["k", "rule", "excess at 10", f"excess at {steps}", "neurons", "seconds", "share of rate"]
    print_table(header, rules)
    print_table(
        ["k", "corrective above line search", "above fixed", "line search ahead at", "fixed ahead at"],
        [
            [k, *one["corrective_above"].values(), one["line_search_ahead"], one["fixed_ahead"]]
            for k, one in counts.items()
        ],
    )
    small_header = ["k", "small instances", "corrective above line search", "above fixed", "by at most"]
    print_table(small_header, overtakes)
    units_header = ["k", "rule", "gamma_1", "eps", "median steps", "most steps", "proven"]
    print_table(units_header, used)
    write_json(
        options.out,
        {
            "instances": n_instances,
            "steps": steps,
            "rules": [dict(zip(header, row, strict=True)) for row in rules],
            "comparisons": counts,
            "overtaken": [dict(zip(small_header, row, strict=True)) for row in overtakes],
            "units": [dict(zip(units_header, row, strict=True)) for row in used],
        },
    )


if __name__ == "__main__":
    main()
