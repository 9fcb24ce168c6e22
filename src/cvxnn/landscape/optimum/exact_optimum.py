"""The optimum of a convex program on a few patterns to its last digits, with its kinks."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cvxnn.atoms import Atoms, find_kinks
from cvxnn.deadlines import NEVER, Deadline
from cvxnn.landscape.optimum.face_newton import FacePoint, settle
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem
from cvxnn.training import convexify
from cvxnn.validation import Array

# Relative program gap to ask of the solver: it finds zero blocks and faces, Newton's method on these the digits.
_GAP = 1e-9
# Blocks this much smaller than the largest are zero up to rounding, where the objective does not say otherwise.
_SPECK = 1e-9


@dataclass(frozen=True, eq=False)
class Optimum:
    """The optimum of the program of some patterns and signs.

    Parameters
    ----------
    problem : Problem
        The training problem.
    atoms : Atoms
        Those in use.
    kinks : bool ndarray of shape (n, K)
        The samples on their kinks.
    offset : float
        The output offset.
    gap : float
        The relative gap that the solver proved, before Newton's method.
    """

    problem: Problem
    atoms: Atoms
    kinks: NDArray[np.bool_]
    offset: float
    gap: float = 0.0

    @classmethod
    def of(
        cls, problem: Problem, atoms: Atoms, *, speck: float = _SPECK, deadline: Deadline = NEVER
    ) -> Optimum:
        """Solve the program of some patterns and signs.

        Parameters
        ----------
        problem : Problem
            Of one output, its loss smooth.
        atoms : Atoms
            Patterns and signs, with blocks to start from; all zero for none.
        speck : float, default 1e-9
            Blocks below this share of the largest are taken for the solver's error and dropped before Newton's method,
            where that ends no higher than the solver. Where the optimum is not unique, the solver leaves up to 1e-7.
            With a larger share a block that belonged there can be lost; its constraint is violated at the result.
        deadline : Deadline, default never
            When to give up.

        Raises
        ------
        OutOfTime
            If the deadline comes first.
        """
        if len(atoms) == 0:
            return cls(problem, atoms, atoms.masks, float(problem.null_offset()[0]))
        atoms, solution = convexify(problem, atoms, tol=_GAP, max_seconds=deadline.limit())
        point = FacePoint(
            problem,
            atoms.blocks,
            atoms.masks,
            find_kinks(problem.X, atoms.blocks),
            atoms.signs,
            float(solution.offset[0]),
        )
        point = _settled(point, speck, deadline)
        gap = solution.certificate.relative_gap
        return cls(problem, Atoms(point.blocks, point.masks, point.gains), point.kinks, point.offset, gap)

    @property
    def network(self) -> ReLUNetwork:
        """Return the balanced network, its neurons in the order of the atoms."""
        return self.atoms.network(self.problem, np.array([self.offset]))

    @property
    def fit(self) -> Array:
        """Return predictions without the offset, in the shape of the targets."""
        activations = np.where(self.atoms.masks, self.problem.X @ self.atoms.blocks, 0.0)
        return np.asarray(activations @ self.atoms.signs).reshape(self.problem.y.shape)

    @property
    def dual(self) -> Array:
        """Return the dual variable ``-grad ell``, balanced where there is an offset, in the shape of the targets."""
        problem = self.problem
        return problem.project_dual(-problem.loss_gradient(self.fit, np.array([self.offset])))


def _settled(point: FacePoint, speck: float, deadline: Deadline) -> FacePoint:
    """Return the optimum of a point's faces, without blocks that the solver meant to be zero if that is as good.

    Newton's method stumbles over them.
    """
    sizes = np.linalg.norm(point.blocks, axis=0)
    kept = sizes > speck * np.max(sizes, initial=0.0)
    cleaned = replace(
        point,
        blocks=point.blocks[:, kept],
        masks=point.masks[:, kept],
        kinks=point.kinks[:, kept],
        gains=point.gains[kept],
    )
    found = settle(cleaned, deadline)
    return found if found.value <= point.value * (1.0 + 1e-15) else settle(point, deadline)
