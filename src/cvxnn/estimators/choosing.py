"""Weight decay and knots chosen by the loss on held-out rows, along paths of quick descents, before the fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cvxnn.deadlines import Deadline
from cvxnn.encoding import PiecewiseLinearEncoder
from cvxnn.estimators.base import CodedData, encoded
from cvxnn.estimators.path import PathWalk
from cvxnn.estimators.preparation import Preparation
from cvxnn.problem import relative_weights
from cvxnn.seeds import Seed, as_random_state
from cvxnn.status_line import StatusLine
from cvxnn.statuses import SolveStatus
from cvxnn.validation import Array, as_columns

Rows = NDArray[np.intp]
Prepare = Callable[[CodedData, int | None], tuple[PiecewiseLinearEncoder | None, Preparation]]

# What is taken where there are too few rows to choose by, or too little time.
DEFAULT_RATIO = 0.005
# Shares of the critical weight decay, and quantile intervals a column, that are tried.
RATIOS = (0.3, 0.08, 0.02, DEFAULT_RATIO, 0.002, 0.0007, 0.00025, 0.0001)
KNOTS = (None, 4, 10)
# Of a time limit, what choosing may take.
SHARE = 0.4
# The fewest rows to choose by.
_LEAST_ROWS = 10
# Rows are in five parts, and so many of the parts are held out in turn as it takes to score some 600 rows in all.
_PARTS, _SCORED = 5, 600
# The most rows to train on and to score, the most numbers of their columns while rows are more than 600, and columns.
_MOST_ROWS, _MOST_NUMBERS, _MOST_COLUMNS = 5000, 2_000_000, 1000
# A path ends after so many weight decays in a row that do not lower its least loss.
_PATIENCE = 2
# Of each descent. With 30 concrete and airfoil have the choice that 100 make, yacht has another.
_ITERATIONS = 40
# Losses that differ by less than this part count as equal.
_ROUNDING = 1e-9

GIVEN = "beta_ratio and knots were given."
CHOSEN = "Chosen by the loss on held-out rows."
FEW_ROWS = f"Not chosen, the defaults: fewer than {_LEAST_ROWS} different rows to choose by."
NO_LOSS = "Not chosen, the defaults: no held-out row has weight, or no loss on them is finite."
TOO_SHORT = "Not chosen, the defaults: max_seconds was too short to score them on held-out rows; raise it."
IN_PART = (
    "Chosen by the loss on held-out rows, of those that max_seconds left time to score; raise it for all."
)


class Candidate(NamedTuple):
    """What is tried: a share of the critical weight decay, None where beta is given, and knots."""

    beta_ratio: float | None
    knots: int | None


@dataclass(frozen=True)
class Choice:
    """What was chosen, why, and the mean loss on held-out rows of all that was scored, in the order it was."""

    chosen: Candidate
    reason: str
    losses: dict[Candidate, float]

    @property
    def scores(self) -> dict[str, list[Any]]:
        """Return the losses as columns of a table: beta_ratio, knots, loss."""
        return {
            "beta_ratio": [candidate.beta_ratio for candidate in self.losses],
            "knots": [candidate.knots for candidate in self.losses],
            "loss": list(self.losses.values()),
        }


@dataclass(frozen=True, eq=False)
class Part:
    """Rows to train on, with their share of all weight, and rows to score, with what each of them counts."""

    training: CodedData
    share: float
    held_out: CodedData
    weights: Array  # (k,)


def choose(
    coded: CodedData,
    prepare: Prepare,
    *,
    ratios: Sequence[float | None],
    knots: Sequence[int | None],
    beta: float | None,
    classes: bool,
    tol: float,
    deadline: Deadline,
    random_state: Seed,
    verbose: int = 0,
) -> Choice:
    """Return what has the least mean loss on held-out rows; of equal ones fewer knots, then the larger ratio.

    Paths of all knots go down to the default ratio, that of the best goes on: small weight decays take the most time.

    Parameters
    ----------
    coded : CodedData
        All rows.
    prepare : callable
        Gives encoder and standardised problem of some rows with so many knots.
    ratios : sequence of float or None
        Shares of the critical weight decay, decreasing; (None,) where ``beta`` is given.
    knots : sequence of int or None
        Quantile intervals a column, ascending.
    beta : float or None
        The weight decay on all rows, where it is given.
    classes : bool
        Whether targets are classes, of which every part then has its share.
    tol : float
        As of the estimator.
    deadline : Deadline
        When to end. Paths of all knots have equal shares of the time.
    random_state : int, Generator, RandomState or None
        Seed of parts and descents.
    verbose : int, default 0
        1 shows a line of progress on a terminal.
    """
    default = Candidate(DEFAULT_RATIO if DEFAULT_RATIO in ratios else ratios[0], knots[0])
    if len(coded.X) < _LEAST_ROWS:
        return Choice(default, FEW_ROWS, {})
    rng = as_random_state(random_state)
    columns = {number: _n_columns(coded, number) for number in knots}
    fewest = columns[knots[0]]
    tried = [knots[0], *(number for number in knots[1:] if fewest < columns[number] <= _MOST_COLUMNS)]
    parts = parts_of(coded, max(columns[number] for number in tried), classes, rng)
    losses: dict[Candidate, float] = {}
    paths: dict[int | None, _Paths] = {}
    n_coarse = ratios.index(default.beta_ratio) + 1
    with StatusLine(verbose) as line:
        for place, number in enumerate(tried):
            line.show(f"choosing on held-out rows: knots {number}")
            until, seed = deadline.share(1 / (len(tried) + 1 - place)), rng.randint(2**31)
            paths[number] = _Paths(parts, prepare, number, tol, beta, seed, until)
            paths[number].follow(ratios[:n_coarse], losses, until)
            if place == 0 and paths[number].is_cut and default not in losses:
                return Choice(default, TOO_SHORT, losses)
        finest = paths[_best(losses, default).knots]
        line.show(f"choosing on held-out rows: beta_ratio, knots {finest.knots}")
        finest.follow(ratios[n_coarse:], losses, deadline.share(1.0))
    if not any(np.isfinite(loss) for loss in losses.values()):
        return Choice(default, NO_LOSS, losses)
    is_cut = any(path.is_cut for path in paths.values())
    return Choice(_best(losses, default), IN_PART if is_cut else CHOSEN, losses)


def _best(losses: dict[Candidate, float], default: Candidate) -> Candidate:
    """Return the first candidate whose loss is the least but for rounding; the default where none is finite."""
    finite = [candidate for candidate in losses if np.isfinite(losses[candidate])]
    if not finite:
        return default
    most = min(losses[candidate] for candidate in finite) * (1 + _ROUNDING)
    return next(candidate for candidate in finite if losses[candidate] <= most)


def parts_of(coded: CodedData, n_columns: int, classes: bool, rng: np.random.RandomState) -> list[Part]:
    """Return rows to train on and to score: some of five parts, each held out once.

    Classes are spread over the parts as evenly as goes, and all are trained on: the only sample of one is never held
    out.

    Parameters
    ----------
    coded : CodedData
        All rows.
    n_columns : int
        Of a problem's data; the more, the fewer rows.
    classes : bool
        Whether targets are classes.
    rng : RandomState
        Draws the parts.
    """
    n = len(coded.X)
    codes = np.zeros(n, dtype=np.intp)
    if classes:
        codes = np.unique(coded.target, axis=0, return_inverse=True)[1].ravel()
    order = rng.permutation(n)
    order = order[np.argsort(codes[order], kind="stable")]
    part = np.empty(n, dtype=np.intp)
    part[order] = np.arange(n) % _PARTS
    part[np.bincount(codes)[codes] == 1] = -1
    weights = np.ones(n) if coded.weights is None else relative_weights(coded.weights)
    most = min(_MOST_ROWS, max(_SCORED, _MOST_NUMBERS // n_columns))
    parts: list[Part] = []
    for number in range(min(-(-_SCORED * _PARTS // n), _PARTS)):
        training = _at_most(most, order[part[order] != number], codes)
        held_out = _at_most(_MOST_ROWS, order[part[order] == number], codes)
        share = float(np.sum(weights[training]) / np.sum(weights))
        parts.append(Part(coded.rows(training), share, coded.rows(held_out), weights[held_out]))
    return parts


def _at_most(most: int, rows: Rows, codes: Rows) -> Rows:
    """Return so many of rows that are in the order of their classes, evenly, and the first of every class."""
    if len(rows) <= most:
        return np.sort(rows)
    even = np.linspace(0, len(rows), most, endpoint=False).astype(np.intp)
    first = np.unique(codes[rows], return_index=True)[1]
    return np.sort(rows[np.union1d(even, first)])


def _n_columns(coded: CodedData, knots: int | None) -> int:
    """Return the number of columns with ramps."""
    d = int(coded.X.shape[1])
    if knots is None:
        return d
    encoder = PiecewiseLinearEncoder(knots).fit(coded.X, sample_weight=coded.weights)
    return d + len(encoder.ramps_.columns)


class _HeldOutWalk:
    """A path on the training rows of a part, each network scored on the others."""

    def __init__(self, part: Part, prepare: Prepare, knots: int | None, tol: float, seed: int) -> None:
        encoder, self._prepared = prepare(part.training, knots)
        problem, scaling = self._prepared.problem, self._prepared.scaling
        self.share, self.total_weight = part.share, float(np.sum(part.weights))
        self._loss, self._weights = problem.loss, part.weights
        self._inputs = scaling.inputs(encoded(encoder, part.held_out.X))
        self._targets = as_columns((part.held_out.target - scaling.y_mean) / scaling.y_scale)
        self._walk = PathWalk(problem, tol=tol, random_state=seed, quick=True, max_iterations=_ITERATIONS)

    def critical_beta(self, deadline: Deadline) -> float:
        """Return what ratios refer to on the training rows."""
        return self._prepared.critical_beta(deadline).value or 1.0

    def loss_at(self, beta: float, deadline: Deadline) -> float | None:
        """Return the sum of the held-out rows' losses at the next weight decay; None where time cut training short."""
        result = self._walk.step_to(beta, deadline.limit())
        if result.status is SolveStatus.INTERRUPTED:
            raise KeyboardInterrupt
        is_empty = result.status is SolveStatus.EMPTY
        if result.status is SolveStatus.MAX_SECONDS or (is_empty and deadline.is_over):
            return None
        outputs = as_columns(result.network.predict(self._inputs))
        return self._loss.value(outputs, self._targets, self._weights)


class _Paths:
    """Paths of all parts with the same knots, side by side, to be followed in pieces."""

    def __init__(
        self,
        parts: Sequence[Part],
        prepare: Prepare,
        knots: int | None,
        tol: float,
        beta: float | None,
        seed: int,
        until: Deadline,
    ) -> None:
        self.knots, self.is_cut = knots, False
        self._walks = [_HeldOutWalk(part, prepare, knots, tol, seed) for part in parts]
        first = self._walks[0]
        # Of all rows: what the critical weight decay of the first part's is to those.
        whole = first.critical_beta(until) / first.share if beta is None else beta
        self._units = [whole * walk.share for walk in self._walks]
        self._least, self._n_risen = np.inf, 0

    def follow(self, ratios: Sequence[float | None], losses: dict[Candidate, float], until: Deadline) -> None:
        """Set the mean losses of more weight decays, as far as time goes and while losses fall."""
        total_weight = sum(walk.total_weight for walk in self._walks)
        for ratio in ratios:
            if self.is_cut or self._n_risen == _PATIENCE:
                return
            total = 0.0
            for place, (walk, unit) in enumerate(zip(self._walks, self._units, strict=True)):
                beta, share = unit if ratio is None else ratio * unit, 1 / (len(self._walks) - place)
                found = walk.loss_at(beta, until.share(share))
                if found is None:
                    self.is_cut = True
                    return
                total += found
            loss = total / total_weight if total_weight > 0 else np.nan
            losses[Candidate(ratio, self.knots)] = loss
            self._n_risen = self._n_risen + 1 if loss >= self._least else 0
            self._least = min(self._least, loss)
