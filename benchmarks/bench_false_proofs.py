"""False proofs: many small random problems, degenerate ones too; no proven bound may exceed a network's objective.

Data of every kind that `cvxnn.testing.samplers` draws, 2 to 10 rows and 1 to 5 columns, with every loss, one output or
several, offsets, sample weights and both norms of output weights, at 0.003 to 2 times the critical weight decay. The
optimum is bracketed from above by networks: trained ones, and, for one output and the per-class norm, that of the
convex program over all patterns. From below, by what is claimed: training's certificate; every method of `certify` for
no network or a random one, at its own dual variable or at the best network's; the program's own bound; and an exact
critical weight decay, from which on no network may be better than none. A bound above the best network, by more than
rounding, is a false proof, and makes the exit status 1. "Tight" are problems whose best bound is within 1e-6 of the
best network, so that a bound too high by as much would be seen.

Ten thousand problems take about an hour on one core: ``--instances`` and ``--seconds`` end sooner.
"""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cvxnn import Problem, ReLUNetwork, ReLUProgram, certify, solve, train
from cvxnn.certificates import CriticalBeta, estimate_beta_max
from cvxnn.losses import LOSSES
from cvxnn.patterns import enumerate_patterns
from cvxnn.testing import samplers
from cvxnn.validation import Array, PrecisionError
from reporting import arguments, print_table, write_json

# Of a bound, and of the loss of no neurons: what the rounding of an objective may be.
ROUNDING, ROUNDING_OF_NULL = 1e-9, 1e-13
TIGHT = 1e-6
MOST_PATTERNS = 300
LOSS_NAMES = sorted(LOSSES)
LABELS = ("logistic", "squared_hinge", "hinge")
METHODS = ("sweep", "cells", "dual_sdp", "lifted", "norms")
SOME_METHODS = 2  # of them for each problem, beside "auto"
SECONDS = 0.25  # of a proof, and twice of training
HEADER = ["loss", "problems", "bounds", "proven", "tight", "largest excess", "refused", "false"]


@dataclass
class Tally:
    """What was seen of one loss."""

    problems: int = 0
    bounds: int = 0
    proven: int = 0
    tight: int = 0
    excess: float = -math.inf
    refused: int = 0
    false: list[str] = field(default_factory=list)

    def row(self, loss: str) -> list[Any]:
        """Return a row of the table."""
        return [
            loss, self.problems, self.bounds, self.proven, self.tight, self.excess, self.refused, len(self.false)
        ]  # fmt: skip


def draw_targets(rng: np.random.Generator, loss: str, X: Array, n_outputs: int) -> Array:
    """Return targets of a loss: of a small network with noise, of noise, or with repeats."""
    n, d = X.shape
    planted = np.maximum(X @ rng.standard_normal((d, 2)), 0.0) @ rng.standard_normal((2, n_outputs))
    size = float(np.max(np.abs(planted))) or 1.0
    Y = planted / size * rng.choice([0.0, 1.0, 3.0]) + rng.choice([0.0, 0.1, 1.0]) * rng.standard_normal(
        planted.shape
    )
    if not np.any(Y):
        Y = rng.standard_normal(planted.shape)
    if loss in LABELS:
        Y = np.where(Y > np.median(Y, axis=0), 1.0, -1.0)
        Y[0], Y[1] = 1.0, -1.0
    elif loss == "multinomial":
        Y = np.eye(n_outputs)[rng.permutation(np.arange(n) % n_outputs)]
    elif rng.random() < 0.2:
        Y = np.round(Y)
    return Y if n_outputs > 1 else Y[:, 0]


def draw_problem(number: int) -> tuple[Problem, CriticalBeta, str, np.random.Generator]:
    """Return the problem of a number, its critical beta, what it is in words, and a generator for what is done."""
    rng = np.random.default_rng([number, 14])
    loss = LOSS_NAMES[number % len(LOSS_NAMES)]
    kind = rng.choice(list(samplers.DATA))
    n, d = int(rng.integers(2, 11)), int(rng.integers(1, 6))
    X = samplers.DATA[kind](rng, n, d)
    X = X if np.any(X) else X + 1.0
    n_outputs = min(n, int(rng.integers(2, 4))) if loss == "multinomial" else int(rng.choice([1, 1, 1, 2, 3]))
    norm = "l1" if n_outputs > 1 and rng.random() < 0.3 else "l2"
    weights = 10.0 ** rng.uniform(-1, 1, n) if rng.random() < 0.3 else None
    y = draw_targets(rng, loss, X, n_outputs) * (
        1.0 if loss in LABELS or loss == "multinomial" else rng.choice([1e-3, 1.0, 1e3])
    )
    problem = Problem(X, y, 0.0, loss, bool(rng.random() < 0.5), weights, norm)
    critical = estimate_beta_max(problem, max_seconds=SECONDS)
    ratio = 10.0 ** rng.uniform(-2.5, 0.3)
    words = (
        f"{number}: {kind} {n} x {d}, {loss}, {n_outputs} outputs {norm}, offset {problem.output_offset}, "
        f"weights {weights is not None}, beta {ratio:.3g} of critical"
    )
    return problem.with_beta(ratio * (critical.value or 1.0)), critical, words, rng


def no_network(problem: Problem) -> ReLUNetwork:
    """Return the network without neurons and with the best offset."""
    output = np.zeros((0, *problem.y.shape[1:]))
    offset = problem.null_offset() if problem.output_offset else None
    return ReLUNetwork(np.zeros((problem.n_features, 0)), output, offset)


def random_network(problem: Problem, rng: np.random.Generator) -> ReLUNetwork:
    """Return three neurons."""
    hidden = rng.standard_normal((problem.n_features, 3))
    output = rng.standard_normal((3, *problem.y.shape[1:]))
    return ReLUNetwork(
        hidden, output, rng.standard_normal(problem.n_outputs) if problem.output_offset else None
    )


def brackets(
    problem: Problem, critical: CriticalBeta, rng: np.random.Generator
) -> tuple[list[float], list[tuple[str, float, bool]]]:
    """Return objectives of networks; and bounds that are claimed, by what and whether as proven."""
    null = no_network(problem)
    found = train(
        problem, tol=10.0 ** rng.uniform(-8, -2), max_seconds=2 * SECONDS, random_state=int(rng.integers(100))
    )
    networks, claims = (
        [null, found.network],
        [("train", found.certificate.lower_bound, found.certificate.proven)],
    )
    if problem.n_outputs == 1 or problem.output_norm == "l1":
        patterns = enumerate_patterns(problem.X)
        if np.asarray(patterns).shape[1] <= MOST_PATTERNS:
            solution = solve(ReLUProgram(problem, patterns), tol=1e-8, max_seconds=2 * SECONDS)
            networks.append(solution.network)
            claims.append(("all patterns", solution.certificate.lower_bound, solution.certificate.proven))
    judged = null if rng.random() < 0.5 else random_network(problem, rng)
    best = min(networks, key=problem.objective)
    dual = problem.dual_variable(best.predict(problem.X)) if rng.random() < 0.7 else None
    for method in ("auto", *rng.choice(METHODS, SOME_METHODS, replace=False)):
        try:
            certificate = certify(problem, judged, method=str(method), max_seconds=SECONDS, dual=dual)
        except ValueError:
            continue  # a method that does not fit the problem, refused by name
        claims.append((f"certify {method}", certificate.lower_bound, certificate.proven))
    if critical.is_exact and problem.beta >= critical.value * (1 + ROUNDING):
        claims.append(("critical beta", problem.objective(null), True))
    return [problem.objective(each) for each in networks], claims


def examine(number: int, tallies: dict[str, Tally]) -> None:
    """Add one problem to the tally of its loss."""
    problem, critical, words, rng = draw_problem(number)
    loss = LOSS_NAMES[number % len(LOSS_NAMES)]
    tally = tallies.setdefault(loss, Tally())
    try:
        objectives, claims = brackets(problem, critical, rng)
    except PrecisionError:
        tally.refused += 1
        return
    except ArithmeticError as error:  # a certificate of a bound above its own objective
        tally.false.append(f"{words}: {error}")
        print(f"FALSE {tally.false[-1]}", flush=True)
        return
    best, allowed = min(objectives), ROUNDING_OF_NULL * objectives[0]
    tally.problems += 1
    tally.bounds += len(claims)
    tally.proven += sum(proven for *_, proven in claims)
    tally.tight += best - max(bound for _, bound, _ in claims) <= TIGHT * best + allowed
    for name, bound, _ in claims:
        excess = (bound - best) / best if best > 0 else 0.0
        if bound > best * (1 + ROUNDING) + allowed:
            tally.false.append(f"{words}: {name} {bound:.12g} above {best:.12g}")
            print(f"FALSE {tally.false[-1]}", flush=True)
        elif best > allowed / ROUNDING:
            tally.excess = max(tally.excess, excess)


def main() -> int:
    """Run, print, and return the exit status."""
    parser = arguments(__doc__, "false_proofs")
    parser.add_argument("--instances", type=int, default=10_000, help="problems")
    parser.add_argument(
        "--first", type=int, default=0, help="number of the first: each number is one problem"
    )
    parser.add_argument("--seconds", type=float, default=math.inf, help="end after so long")
    options = parser.parse_args()
    tallies: dict[str, Tally] = {}
    started, number = time.perf_counter(), options.first
    while number < options.first + options.instances and time.perf_counter() - started < options.seconds:
        examine(number, tallies)
        number += 1
    rows = [tallies[loss].row(loss) for loss in sorted(tallies)]
    false = [words for tally in tallies.values() for words in tally.false]
    print_table(HEADER, rows)
    n_problems, n_bounds = (sum(row[k] for row in rows) for k in (1, 2))
    print(f"\n{len(false)} false proofs in {n_problems} problems, {n_bounds} bounds")
    write_json(options.out, {"header": HEADER, "rows": rows, "false": false, "first": options.first})
    return 1 if false else 0


if __name__ == "__main__":
    sys.exit(main())
