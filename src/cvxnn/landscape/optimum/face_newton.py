"""Newton's method on the faces of neurons' cells: the last digits of a convex program whose kinks are known."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cvxnn.cones import null_space
from cvxnn.deadlines import NEVER, Deadline
from cvxnn.losses import SquaredLoss
from cvxnn.problem import Problem
from cvxnn.programs import OutOfTime
from cvxnn.validation import Array

_MOST_STEPS = 60
_TRIALS = 30
# Directions in which the curvature is below this fraction of the largest are left alone: the optimum is not unique.
_FLAT = 1e-13
# Of a gradient's size in its terms: what rounding leaves.
_ROUNDING = 1e-15
# Relative step of the differences that give the loss's second derivative: their error is its square, 1e-10.
_DIFFERENCE = 1e-5


@dataclass(frozen=True, eq=False)
class FacePoint:
    """Blocks in closed cells, with the samples on whose kinks they are.

    The objective is ``ell(sum_j g_j (D_j X) w_j + b) + beta sum_j ||w_j||`` where gains g_j are output signs, and
    ``... + beta/2 sum_j ||w_j||^2`` where they are output weights that stay as they are.

    Parameters
    ----------
    problem : Problem
        Of one output, its loss smooth.
    blocks : ndarray of shape (d, K)
        ``w_j``; not zero where gains are signs.
    masks, kinks : bool ndarrays of shape (n, K)
        Each block's pattern, and the samples on its kink.
    gains : ndarray of shape (K,)
        Output signs or weights.
    offset : float
        The output offset.
    signs_only : bool
        Whether gains are signs.
    """

    problem: Problem
    blocks: Array
    masks: NDArray[np.bool_]
    kinks: NDArray[np.bool_]
    gains: Array
    offset: float
    signs_only: bool = True

    @property
    def fit(self) -> Array:
        """Return predictions without the offset, shape (n,)."""
        return np.asarray((self.masks * (self.problem.X @ self.blocks)) @ self.gains)

    @property
    def value(self) -> float:
        """Return the objective."""
        sizes = np.linalg.norm(self.blocks, axis=0)
        penalty = float(np.sum(sizes)) if self.signs_only else 0.5 * float(np.sum(sizes**2))
        return self._loss(self.fit) + self.problem.beta * penalty

    def _loss(self, fit: Array) -> float:
        return self.problem.loss_value(fit.reshape(self.problem.y.shape), np.array([self.offset]))

    def gradient(self, fit: Array) -> Array:
        """Return the loss's gradient at predictions without the offset, shape (n,)."""
        shaped = fit.reshape(self.problem.y.shape)
        return np.asarray(self.problem.loss_gradient(shaped, np.array([self.offset])).reshape(-1))

    def curvature(self, fit: Array) -> Array:
        """Return the loss's second derivatives at predictions without the offset, shape (n,)."""
        shaped = fit.reshape(self.problem.y.shape)
        return loss_curvature(self.problem, shaped, np.array([self.offset])).reshape(-1)


def loss_curvature(problem: Problem, fit: Array, offset: Array) -> Array:
    """Return the second derivative of every sample's loss, in the shape of the targets, by central differences.

    `Problem.newton_weights` are larger than these where the loss flattens, and Newton's method then only linear. Of the
    squared loss they are the second derivatives, whatever the size of y.

    Parameters
    ----------
    problem : Problem
        Of one output, its loss smooth.
    fit : ndarray of the targets' shape
        Predictions without the offset.
    offset : ndarray of shape (1,)
        The output offset.
    """
    if isinstance(problem.loss, SquaredLoss):
        return problem.newton_weights(fit, offset)
    step = _DIFFERENCE * (1.0 + np.abs(fit + offset))
    rise = problem.loss_gradient(fit + step, offset) - problem.loss_gradient(fit - step, offset)
    return np.asarray(rise / (2.0 * step))


def settle(point: FacePoint, deadline: Deadline = NEVER) -> FacePoint:
    """Return the optimum of a point's faces, or the best point met: kinks stay, others join where a step meets them.

    Parameters
    ----------
    point : FacePoint
        Near the optimum of its convex program, on the faces on which that lies.
    deadline : Deadline, default never
        When to give up.

    Returns
    -------
    FacePoint
        Its value not above the start's, its blocks in the same closed cells.

    Raises
    ------
    OutOfTime
        If the deadline comes before a step.
    """
    point = _on_faces(point)
    for _ in range(_MOST_STEPS):
        if deadline.is_over:
            raise OutOfTime
        model = _Model.of(point)
        if model.is_stationary:
            break
        step, offset_step = model.newton_step()
        found = _search(point, step, offset_step, model)
        if found is None:
            break
        point = found
    return point


def _on_faces(point: FacePoint) -> FacePoint:
    """Return the point with blocks moved exactly onto their faces; they are there to the solver's tolerance."""
    blocks = np.array(point.blocks)
    for j in range(blocks.shape[1]):
        basis = null_space(point.problem.X[point.kinks[:, j]])
        blocks[:, j] = basis @ (basis.T @ blocks[:, j])
    return replace(point, blocks=blocks)


@dataclass(frozen=True, eq=False)
class _Model:
    """The second-order model of the objective in the coordinates of the faces, and of the offset at the end."""

    gradient: Array
    hessian: Array
    size: float  # of the gradient's terms, before they cancel
    steepest: float  # what the loss's curvature could be but for faces and patterns
    bases: tuple[Array, ...]

    @classmethod
    def of(cls, point: FacePoint) -> _Model:
        problem, X = point.problem, point.problem.X
        bases = tuple(null_space(X[point.kinks[:, j]]) for j in range(point.blocks.shape[1]))
        images = [point.gains[j] * point.masks[:, [j]] * (X @ basis) for j, basis in enumerate(bases)]
        if problem.output_offset:
            images.append(np.ones((len(X), 1)))
        A = np.hstack(images) if images else np.zeros((len(X), 0))
        fit = point.fit
        pull, penalty = A.T @ point.gradient(fit), np.zeros(A.shape[1])
        curvature = point.curvature(fit)
        hessian = A.T @ (curvature[:, None] * A)
        gain = float(np.max(np.abs(point.gains), initial=0.0))
        steepest = float(np.max(curvature)) * (gain * float(np.linalg.norm(X, 2))) ** 2
        start = 0
        for j, basis in enumerate(bases):
            part = slice(start, start + basis.shape[1])
            start = part.stop
            z = basis.T @ point.blocks[:, j]
            penalty[part] = problem.beta * (z / np.linalg.norm(z) if point.signs_only else z)
            hessian[part, part] += problem.beta * _penalty_curvature(z, point.signs_only)
        size = float(np.linalg.norm(np.abs(A).T @ np.abs(point.gradient(fit))) + np.linalg.norm(penalty))
        return cls(pull + penalty, hessian, size, steepest, bases)

    @property
    def is_stationary(self) -> bool:
        return float(np.linalg.norm(self.gradient)) <= _ROUNDING * self.size

    def newton_step(self) -> tuple[Array, float]:
        """Return the steps of blocks, (d, K), and of the offset."""
        levels, vectors = np.linalg.eigh(self.hessian)
        along = vectors.T @ self.gradient
        curved = levels > _FLAT * max(self.steepest, float(np.max(levels, initial=0.0)))
        z = -vectors @ np.where(curved, along / np.where(curved, levels, 1.0), 0.0)
        parts = np.split(z, np.cumsum([basis.shape[1] for basis in self.bases]))
        columns = [basis @ part for basis, part in zip(self.bases, parts, strict=False)]
        step = np.column_stack(columns) if columns else np.zeros((0, 0))
        return step, float(np.sum(parts[-1]))


def _penalty_curvature(z: Array, is_norm: bool) -> Array:
    """Return the Hessian of ``||z||``, or of ``||z||^2 / 2``."""
    if not is_norm:
        return np.eye(len(z))
    length = float(np.linalg.norm(z))
    unit = z / length
    return np.asarray((np.eye(len(z)) - np.outer(unit, unit)) / length)


def _search(point: FacePoint, step: Array, offset_step: float, model: _Model) -> FacePoint | None:
    """Return a point along a step that is no higher, with the kinks met on the way; None where there is none."""
    longest, met = _to_boundary(point, step)
    before = float(np.linalg.norm(model.gradient))
    t = min(1.0, longest)
    for _ in range(_TRIALS):
        kinks = point.kinks | met if t == longest else point.kinks
        found = replace(
            point, blocks=point.blocks + t * step, offset=point.offset + t * offset_step, kinks=kinks
        )
        found = _on_faces(found) if t == longest else found
        moves = bool(np.any(found.blocks != point.blocks)) or found.offset != point.offset
        if moves and _is_better(point, found, before):
            return found
        t *= 0.5
    return None


def _is_better(point: FacePoint, found: FacePoint, before: float) -> bool:
    """Return whether a point is lower, or as low to rounding and nearer to stationary."""
    if found.signs_only and np.any(np.linalg.norm(found.blocks, axis=0) == 0):
        return False
    rise = found.value - point.value
    if rise < 0 and not np.array_equal(found.kinks, point.kinks):
        return True
    slack = 1e-13 * abs(point.value)
    if abs(rise) > slack:
        return rise < 0
    return float(np.linalg.norm(_Model.of(found).gradient)) < 0.5 * before


def _to_boundary(point: FacePoint, step: Array) -> tuple[float, NDArray[np.bool_]]:
    """Return how much of a step stays in the closed cells, and the samples whose kinks it meets there, (n, K)."""
    X = point.problem.X
    sides = np.where(point.masks, 1.0, -1.0)
    here, change = sides * (X @ point.blocks), sides * (X @ step)
    meets = ~point.kinks & (change < 0)
    fractions = np.full(here.shape, np.inf)
    fractions[meets] = np.maximum(here[meets], 0.0) / -change[meets]
    longest = float(np.min(fractions, initial=np.inf))
    return longest, (fractions <= longest * (1.0 + 1e-12)) & meets
