"""Lower bounds for several outputs: joint dual SDPs with more and more output directions."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cvxnn.certificates.bounds.enclosure import Enclosure
from cvxnn.certificates.bounds.output_bounds import MOST_TOGETHER, enclosed
from cvxnn.certificates.bounds.relaxation import (
    both_signs_relaxed,
    relaxation_is_affordable,
    safe_relaxed_bound,
)
from cvxnn.certificates.dual_bounds import dual_bound
from cvxnn.certificates.duals.dual_variables import null_dual
from cvxnn.certificates.relaxations.joint_program import (
    OutputDirections,
    groups_in_time,
    set_up_seconds,
    solve_joint_dual,
)
from cvxnn.certificates.relaxations.row_groups import RowGroups, group_rows, single_rows
from cvxnn.certificates.row_space import RowSpace
from cvxnn.deadlines import Deadline
from cvxnn.losses import MultinomialLoss, SquaredLoss
from cvxnn.problem import Problem
from cvxnn.validation import Array

logger = logging.getLogger(__name__)

# Of beta, for the constraints of the first round: the box of k directions reaches sqrt(k) times as far, but the dual
# variable seldom goes into its corners. On 8 problems of 2 and 3 outputs, 1, 0.8 and 1 / sqrt(k) differ by 1 to 5 %.
_FIRST_RADIUS = 0.8
_NEW_QUERIES = 3
_SAME_QUERY = 0.95  # |cosine|
_CLOSE_TO_THE_LARGEST = 0.9
_MOST_ROUNDS = 8
# Rounds in a row without a relative 1e-4 of improvement, which come and go, after which to stop.
_PATIENCE = 2
_MOST_GROUPS = 1000
_MOST_ENTRIES = 20_000  # of y, for a loss that is not summed up over groups of rows


@dataclass(frozen=True)
class _Rounds:
    """What the rounds for one problem have in common."""

    problem: Problem
    space: RowSpace
    basis: Array  # (C, k)

    @property
    def is_sphere(self) -> bool:
        """Return whether constraints are needed on a sphere of output directions, or on the basis alone."""
        return self.problem.output_norm == "l2" and self.basis.shape[1] > 1

    def seconds(self, n_queries: int) -> float:
        """Return the CPU seconds that a group of rows is expected to take, for so many output directions.

        Where the program falls into one for each direction they are those of one output, see `affordable_groups`.
        Where the directions are coupled, the matrix inequalities form one dense block: 1.5e-7 (J (r + 1) (r + 2))^2
        as measured at n = 60 to 200, r = 5 to 10, J = 6 to 10.
        """
        r, k = self.space.rank, int(self.basis.shape[1])
        if n_queries == k and (k == 1 or not isinstance(self.problem.loss, MultinomialLoss)):
            return 1e-5 * k * (r + 1) * (r + 1)
        size = float(n_queries * (r + 1) * (r + 2))
        return 1.5e-7 * size * size

    def groups(self, max_seconds: float, *, required: bool) -> RowGroups | None:
        """Return rows on their own or in groups, as the first round can afford; None for too few groups."""
        problem, fewest = self.problem, 2 * (self.space.rank + 1)
        if not isinstance(problem.loss, SquaredLoss) and problem.y.size > _MOST_ENTRIES and not required:
            return None
        k = self.basis.shape[1]
        most = groups_in_time(max_seconds - k * set_up_seconds(self.space.rank), self.seconds(k))
        most = min(max(most, fewest) if required else most, _MOST_GROUPS)
        if problem.n_samples <= most:
            return single_rows(problem.n_samples)
        if most < fewest:
            return None
        return group_rows(self.space, null_dual(problem), most, classes=row_classes(problem))

    def evaluate(
        self, directions: OutputDirections, hint: tuple[Array, Array, Array], deadline: Deadline
    ) -> tuple[float, Enclosure]:
        """Return a proven upper bound on the dual constraint of a solution, and what encloses its first outputs."""
        lam, tau, a = hint
        rows = lam @ self.basis @ directions.queries.T
        psi = np.array(
            [
                max(
                    safe_relaxed_bound(self.space, sign * rows[:, j], tau[2 * j + s], a[2 * j + s])
                    for s, sign in enumerate((1, -1))
                )
                for j in range(rows.shape[1])
            ]
        )
        known = Enclosure(directions.queries, psi)
        if self.problem.output_norm == "l1":
            return float(np.max(psi)), known
        refine = relaxation_is_affordable(self.space)
        bound = partial(both_signs_relaxed, self.space, deadline=deadline)
        upper, enclosures = enclosed(
            bound, self.space, lam, self.basis, known, deadline=deadline if refine else Deadline(0.0)
        )
        return upper, enclosures[0]

    def new_queries(self, known: Array, enclosure: Enclosure, max_seconds: float, n_groups: int) -> Array:
        """Return output directions in which the constraint is nearly largest, as many as another round can afford."""
        new = known[:0]
        if self.basis.shape[1] > MOST_TOGETHER:
            return new
        top = float(np.max(enclosure.psi))
        for j in np.argsort(-enclosure.psi, kind="stable"):
            q, n_queries = enclosure.queries[j], len(known) + len(new) + 1
            if enclosure.psi[j] < _CLOSE_TO_THE_LARGEST * top or len(new) == _NEW_QUERIES:
                break
            if n_groups * self.seconds(n_queries) > max_seconds:
                break
            if np.max(np.abs(np.vstack([known, new]) @ q)) < _SAME_QUERY:
                new = np.vstack([new, q])
        return new


def output_dual_bounds(
    problem: Problem, space: RowSpace, lam: Array, *, deadline: Deadline, required: bool = False
) -> Iterator[tuple[float, str]]:
    """Yield lower bounds on the optimum and the names of their proofs, not always rising, while there is time.

    The first joint dual SDP has the constraints of an orthonormal basis of output directions. Its solution is
    evaluated on the whole sphere of output directions (`Enclosure`), and the directions where it exceeds the
    constraint most join the next one. In the l1 norm the basis is all there is, and there is one round.

    Parameters
    ----------
    problem : Problem
        With targets of shape (n, C), and no sample weight of zero.
    space : RowSpace
        The row space of its X.
    lam : ndarray of shape (n, C)
        The residual's dual variable, which names the basis.
    deadline : Deadline
        When no other round begins.
    required : bool, default False
        Try one round in any case.

    Notes
    -----
    With the basis alone and the Euclidean norm, the bound is at least the sum over outputs of scalar lower bounds
    with weight decays ``beta_c``, ``sum_c beta_c^2 <= beta^2``: where ``Phi(lam_c) <= beta_c`` for all c,
    ``||lam^T (X u)_+||_2 <= beta`` for all unit u.
    """
    rounds = _Rounds(problem, space, _basis(problem, lam))
    groups = rounds.groups(deadline.seconds_left, required=required)
    if groups is None or rounds.basis.shape[1] == 0:
        return
    proof = "joint dual SDP" + (f", {len(groups):,} groups of rows" if len(groups) < len(lam) else "")
    queries, radius = np.eye(rounds.basis.shape[1]), _FIRST_RADIUS if rounds.is_sphere else 1.0
    best, since = 0.0, 0
    for _ in range(_MOST_ROUNDS):
        directions = OutputDirections(rounds.basis, queries, radius)
        left = max(deadline.seconds_left, 0.1)
        hint = solve_joint_dual(problem, space, directions, max_seconds=left, groups=groups)
        if hint is None:
            return
        upper, enclosure = rounds.evaluate(directions, hint, deadline)
        bound = dual_bound(problem, hint[0], upper)
        logger.debug("%d output directions: upper %g, bound %g", len(queries), upper, bound)
        yield bound, proof
        since = 0 if bound > best * (1 + 1e-4) else since + 1
        best = max(best, bound)
        left = deadline.seconds_left
        new = rounds.new_queries(queries, enclosure, left, len(groups)) if rounds.is_sphere else queries[:0]
        if len(new) == 0 or since >= _PATIENCE:
            return
        queries, radius = np.vstack([queries, new]), 1.0


def row_classes(problem: Problem) -> NDArray[np.intp] | None:
    """Return the class of each row, 0, 1, .., for a loss of classes; None for others."""
    if not problem.loss.is_classification:
        return None
    rows = problem.y.reshape(len(problem.y), -1)
    classes: NDArray[np.intp] = np.unique(rows, axis=0, return_inverse=True)[1].ravel()
    return classes


def _basis(problem: Problem, lam: Array) -> Array:
    """Return orthonormal output directions (C, k): the principal ones of lam, where the loss allows for others.

    A loss that is a sum over outputs, other than the squared, keeps the outputs, so that the program falls into one
    for each. Rows of the multinomial loss's dual variables sum to zero.
    """
    C = lam.shape[1]
    if problem.output_norm == "l1" or not isinstance(problem.loss, SquaredLoss | MultinomialLoss):
        return np.eye(C)
    within = np.eye(C)
    if isinstance(problem.loss, MultinomialLoss):
        within = np.linalg.qr(np.column_stack([np.ones(C), np.eye(C)[:, 1:]]))[0][:, 1:]
    turned = lam @ within
    basis: Array = within @ np.linalg.eigh(turned.T @ turned)[1][:, ::-1]
    return basis
