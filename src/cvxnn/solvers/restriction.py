"""The same program on fewer blocks, or with another weight decay."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cvxnn.programs import ConvexProgram, GatedReLUProgram, ReLUProgram
from cvxnn.validation import Array


def restrict(program: ConvexProgram, blocks: NDArray[np.intp]) -> ConvexProgram:
    """Return the program of some of the blocks; the others are zero.

    Parameters
    ----------
    program : ReLUProgram or GatedReLUProgram
        The program.
    blocks : int ndarray of shape (k,)
        Distinct blocks, k >= 1; block j of the result is ``blocks[j]`` of the program.
    """
    if isinstance(program, GatedReLUProgram):
        return program.restrict(blocks)
    relu = _as_relu(program)
    return ReLUProgram(relu.problem, relu.masks[:, blocks], relu.signs[blocks])


def with_beta(program: ConvexProgram, beta: float) -> ConvexProgram:
    """Return the program of another weight decay > 0 on the same blocks."""
    if isinstance(program, GatedReLUProgram):
        return program.with_beta(beta)
    relu = _as_relu(program)
    return ReLUProgram(relu.problem.with_beta(beta), relu.masks, relu.signs)


def norm_bounds(program: ConvexProgram) -> Array:
    """Return upper bounds on ``||D_b X||``: how fast the norm of a block's dual can change with lam."""
    if isinstance(program, GatedReLUProgram):
        return program.norm_bounds()
    return np.full(program.n_blocks, np.linalg.norm(program.problem.X, 2))


def _as_relu(program: ConvexProgram) -> ReLUProgram:
    if not isinstance(program, ReLUProgram):
        raise TypeError(f"program must be a ReLUProgram or a GatedReLUProgram; got {type(program).__name__}")
    return program
