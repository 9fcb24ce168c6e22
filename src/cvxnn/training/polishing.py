"""Smooth descent that keeps neurons on their kinks: moves output directions, which the convex program holds fixed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.atoms import Atoms, find_kinks
from cvxnn.cones import row_span
from cvxnn.deadlines import NEVER, Deadline
from cvxnn.linear_maps import relu_value_and_gradients
from cvxnn.problem import Problem
from cvxnn.training.lbfgs import minimise
from cvxnn.validation import Array, row_norms

# Numbers in the bases of all neurons' kinks, 128 MiB: with more of them, descent along faces is left out.
_MOST_ENTRIES = 1 << 24
# Of the time, for these bases: they are worth nothing without the descent.
_FACES_SHARE = 0.25


def polish(
    problem: Problem,
    atoms: Atoms,
    offset: Array,
    *,
    max_iterations: int = 200,
    tol: float = 0.0,
    max_seconds: float | None = None,
) -> tuple[Atoms, Array]:
    """Run L-BFGS on hidden and output weights, hidden ones in the directions that keep neurons on their kinks.

    On the face where a neuron's kinks stay the objective is smooth, and a stationary point of the faces is one that
    no change of output directions improves. Neurons may cross other kinks: it is the true objective that descends.

    Parameters
    ----------
    problem : Problem
        Its loss smooth.
    atoms : Atoms
        The network's, all in use.
    offset : ndarray of shape (C,)
        The network's.
    max_iterations : int, default 200
        L-BFGS iterations.
    tol : float, default 0
        Stop when ten iterations together lower the objective by less than this fraction.
    max_seconds : float, optional
        Time limit.

    Returns
    -------
    atoms : Atoms
        Those with a coefficient above rounding; on their kinks they keep the pattern that they had. The given ones,
        where their kinks are too many for memory or for the time.
    offset : ndarray of shape (C,)
    """
    deadline = Deadline.after(max_seconds)
    objective = _FaceObjective.of(problem, atoms, offset, deadline.share(_FACES_SHARE))
    if objective is None:
        return atoms, offset
    weights, _ = minimise(
        objective, objective.start, max_iterations=max_iterations, tol=tol, deadline=deadline
    )
    return objective.atoms(weights)


@dataclass(frozen=True, eq=False)
class _Faces:
    """For each of K neurons, the directions that keep it on its kinks, by bases of the spans of the kinks' rows.

    The faces themselves have nearly d dimensions, and bases of theirs would take K d^2 numbers.
    """

    spans: Array  # (d, r), the bases side by side
    starts: NDArray[np.intp]  # where those of the bearers begin
    bearers: NDArray[np.intp]  # the neurons with kinks
    owners: NDArray[np.intp]  # (r,) the neuron of each direction
    points: NDArray[np.intp]  # the neurons whose face is zero alone

    @classmethod
    def of(cls, X: Array, kinks: NDArray[np.bool_], deadline: Deadline) -> _Faces | None:
        """Return the faces of kinks (n, K); None where they take too much memory or time."""
        bearers, families, entries = np.flatnonzero(np.any(kinks, axis=0)), [np.zeros((X.shape[1], 0))], 0
        for k in bearers:
            families.append(row_span(X[kinks[:, k]]))
            entries += families[-1].size
            if entries > _MOST_ENTRIES or deadline.is_over:
                return None
        sizes = np.array([family.shape[1] for family in families[1:]], dtype=np.intp)
        bearers, sizes = bearers[sizes > 0], sizes[sizes > 0]
        points = bearers[sizes == X.shape[1]]
        starts = np.cumsum(sizes) - sizes
        return cls(np.hstack(families), starts, bearers, np.repeat(bearers, sizes), points)

    def project(self, U: Array) -> Array:
        """Return columns (d, K) less what leads off their faces."""
        inside = np.array(U)
        if len(self.bearers):
            along = self.spans * np.sum(self.spans * U[:, self.owners], axis=0)
            inside[:, self.bearers] -= np.add.reduceat(along, self.starts, axis=1)
            inside[:, self.points] = 0.0  # not their rounding
        return inside


@dataclass(eq=False)
class _FaceObjective:
    """The objective as a function of hidden weights on faces, output weights, and the offset less the shift."""

    problem: Problem
    given: Atoms
    kinks: NDArray[np.bool_]  # (n, K)
    faces: _Faces
    start: Array

    @classmethod
    def of(
        cls, problem: Problem, atoms: Atoms, offset: Array, deadline: Deadline = NEVER
    ) -> _FaceObjective | None:
        """Return the objective from a network; None where its faces take too much memory or time."""
        c = atoms.coefficients
        units = atoms.blocks / c
        kinks = find_kinks(problem.X, units)
        faces = _Faces.of(problem.X, kinks, deadline)
        if faces is None:
            return None
        hidden = faces.project(np.sqrt(c) * units)
        output = (atoms.signs.T * np.sqrt(c)).T
        rest = offset - problem.shift if problem.output_offset else np.zeros(0)
        return cls(problem, atoms, kinks, faces, np.concatenate([hidden.ravel(), output.ravel(), rest]))

    def split(self, weights: Array) -> tuple[Array, Array, Array]:
        """Return hidden weights (d, K), output weights, and the offset less the shift."""
        shapes = self.given.blocks.shape, self.given.signs.shape
        ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
        hidden, output, offset = np.split(weights, ends)
        return hidden.reshape(shapes[0]), output.reshape(shapes[1]), offset

    def __call__(self, weights: Array) -> tuple[float, Array]:
        hidden, output, rest = self.split(weights)
        problem = self.problem
        offset = problem.shift + rest if rest.size else np.zeros(problem.n_outputs)
        f, hidden_gradient, output_gradient = relu_value_and_gradients(
            problem.X, hidden, output, lambda f, rows: problem.loss_gradient(f, offset, rows)
        )
        value = problem.loss_value(f, offset)
        value += 0.5 * problem.beta * float(np.sum(hidden**2) + np.sum(output**2))
        total = self.faces.project(hidden_gradient + problem.beta * hidden)
        gradients = [total.ravel(), self._allowed(output_gradient, output)]
        if rest.size:
            gradients.append(np.atleast_1d(np.sum(problem.loss_gradient(f, offset), axis=0)))
        return value, np.concatenate(gradients)

    def _allowed(self, gradient: Any, output: Array) -> Array:
        """Return the gradient for output weights, without those that the per-class variant keeps at zero."""
        total = gradient + self.problem.beta * output
        return np.ravel(
            np.where(self.given.signs != 0, total, 0.0) if self.problem.output_norm == "l1" else total
        )

    def atoms(self, weights: Array) -> tuple[Atoms, Array]:
        """Return the atoms of some variables, and the offset."""
        hidden, output, rest = self.split(weights)
        lengths = row_norms(output)
        blocks = hidden * lengths
        used = np.linalg.norm(blocks, axis=0) > 0
        masks = np.where(self.kinks, self.given.masks, self.problem.X @ hidden >= 0)
        signs = (output[used].T / lengths[used]).T
        offset = self.problem.shift + rest if rest.size else np.zeros(self.problem.n_outputs)
        return Atoms(blocks[:, used], masks[:, used], signs), offset
