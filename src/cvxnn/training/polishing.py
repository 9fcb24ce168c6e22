"""Smooth descent that keeps neurons on their kinks: moves output directions, which the convex program holds fixed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.atoms import Atoms, find_kinks
from cvxnn.cones import null_space
from cvxnn.deadlines import Deadline
from cvxnn.linear_maps import relu_value_and_gradients
from cvxnn.problem import Problem
from cvxnn.training.lbfgs import minimise
from cvxnn.validation import Array, row_norms


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
        Those with a coefficient above rounding; on their kinks they keep the pattern that they had.
    offset : ndarray of shape (C,)
    """
    deadline = Deadline.after(max_seconds)
    objective = _FaceObjective.of(problem, atoms, offset)
    weights, _ = minimise(
        objective, objective.start, max_iterations=max_iterations, tol=tol, deadline=deadline
    )
    return objective.atoms(weights)


@dataclass(eq=False)
class _FaceObjective:
    """The objective as a function of weights on faces, output weights, and the offset less the problem's shift."""

    problem: Problem
    given: Atoms
    kinks: NDArray[np.bool_]  # (n, K)
    bases: Array  # (d, r), the faces' bases side by side
    starts: NDArray[np.intp]  # (K,) where each basis begins
    start: Array

    @classmethod
    def of(cls, problem: Problem, atoms: Atoms, offset: Array) -> _FaceObjective:
        c = atoms.coefficients
        units = atoms.blocks / c
        kinks = find_kinks(problem.X, units)
        families = [null_space(problem.X[kinks[:, k]]) for k in range(len(atoms))]
        bases = np.hstack(families)
        sizes = np.array([family.shape[1] for family in families])
        starts = np.cumsum(sizes) - sizes
        owners = np.repeat(np.arange(len(atoms)), sizes)
        z = np.sum(bases * (np.sqrt(c) * units)[:, owners], axis=0)
        output = (atoms.signs.T * np.sqrt(c)).T
        rest = offset - problem.shift if problem.output_offset else np.zeros(0)
        return cls(problem, atoms, kinks, bases, starts, np.concatenate([z, output.ravel(), rest]))

    def split(self, weights: Array) -> tuple[Array, Array, Array]:
        """Return hidden weights (d, K), output weights, and the offset less the shift."""
        r, shape = self.bases.shape[1], self.given.signs.shape
        z, output, offset = np.split(weights, [r, r + int(np.prod(shape))])
        return np.add.reduceat(self.bases * z, self.starts, axis=1), output.reshape(shape), offset

    def __call__(self, weights: Array) -> tuple[float, Array]:
        hidden, output, rest = self.split(weights)
        problem = self.problem
        offset = problem.shift + rest if rest.size else np.zeros(problem.n_outputs)
        f, hidden_gradient, output_gradient = relu_value_and_gradients(
            problem.X, hidden, output, lambda f, rows: problem.loss_gradient(f, offset, rows)
        )
        value = problem.loss_value(f, offset)
        value += 0.5 * problem.beta * float(np.sum(hidden**2) + np.sum(output**2))
        owners = np.repeat(np.arange(hidden.shape[1]), np.diff(np.r_[self.starts, self.bases.shape[1]]))
        total = hidden_gradient + problem.beta * hidden
        gradients = [np.sum(self.bases * total[:, owners], axis=0), self._allowed(output_gradient, output)]
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
