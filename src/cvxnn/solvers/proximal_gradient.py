"""Accelerated proximal gradient with adaptive restart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxnn.deadlines import as_limit
from cvxnn.programs import ConvexProgram, WorkingSets
from cvxnn.solvers.solver import Iterate, Solver
from cvxnn.validation import Array


@dataclass(eq=False)
class _Memory:
    extrapolated: Array
    momentum: float
    step_size: float
    sets: WorkingSets


@dataclass(frozen=True)
class ProximalGradient(Solver):
    """Accelerated proximal gradient on ``ell(A W) + beta sum ||w_b|| + cones``, restarted when momentum hurts.

    Every iterate lies in its cones, because the prox of norm plus cone is a projection followed by a shrinkage.

    Parameters
    ----------
    inner_steps : int, default 20
        Iterations between two evaluations of the gap.

    References
    ----------
    A. Beck and M. Teboulle, "A fast iterative shrinkage-thresholding algorithm", SIAM J. Imaging Sci. 2009,
    eq. (4.1)-(4.3); B. O'Donoghue and E. Candes, "Adaptive restart for accelerated gradient schemes", Found.
    Comput. Math. 2015, section 3.2 (gradient scheme).
    """

    inner_steps: int = 20
    name: str = "accelerated proximal gradient"

    def start(self, program: ConvexProgram, blocks: Array, max_seconds: float | None) -> Iterate:
        """Return the start with the step size 1 / (curvature ||A||^2)."""
        as_limit(max_seconds)
        lipschitz = program.problem.curvature * program.squared_norm()
        step_size = 1.0 / lipschitz if lipschitz > 0 else 1.0
        return Iterate(blocks, _Memory(blocks, 1.0, step_size, WorkingSets.empty(program.n_blocks)))

    def step(self, program: ConvexProgram, iterate: Iterate) -> Iterate:
        """Do ``inner_steps`` iterations."""
        memory = iterate.memory
        assert isinstance(memory, _Memory)
        W, Z, theta = iterate.blocks, memory.extrapolated, memory.momentum
        for _ in range(self.inner_steps):
            gradient = -program.adjoint(program.dual_variable(Z))
            new = program.prox(Z - memory.step_size * gradient, memory.step_size, memory.sets)
            if np.sum((Z - new) * (new - W)) > 0:
                theta, Z = 1.0, new
            else:
                following = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * theta**2))
                Z = new + (theta - 1.0) / following * (new - W)
                theta = float(following)
            W = new
        return Iterate(W, _Memory(Z, theta, memory.step_size, memory.sets))
