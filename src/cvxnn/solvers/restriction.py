"""The same program on fewer blocks, or with another weight decay."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cvxnn.certificates import Rotation
from cvxnn.problem import Problem
from cvxnn.programs import ConvexProgram, GatedReLUProgram, ReLUProgram
from cvxnn.validation import Array


def n_units(program: ConvexProgram) -> int:
    """Return how many units there are that `restrict` can choose from: blocks, or gates of several outputs."""
    return program.n_gates if isinstance(program, GatedReLUProgram) else program.n_blocks


def columns_of(program: ConvexProgram, units: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the columns of W that belong to units, in their order."""
    if not isinstance(program, GatedReLUProgram):
        return units
    return np.asarray((units[:, None] * program.n_outputs + np.arange(program.n_outputs)).reshape(-1))


def units_in_use(program: ConvexProgram, W: Array) -> NDArray[np.bool_]:
    """Return which units have a column that is not zero."""
    return np.asarray(np.any(np.any(W != 0, axis=0).reshape(n_units(program), -1), axis=1))


def restrict(program: ConvexProgram, units: NDArray[np.intp]) -> ConvexProgram:
    """Return the program of some of the blocks; the others are zero.

    Parameters
    ----------
    program : ReLUProgram or GatedReLUProgram
        The program.
    units : int ndarray of shape (k,)
        Distinct blocks, k >= 1; block j of the result is ``units[j]`` of the program. Of a gated program of several
        outputs, gates, with a column for each output: see `columns_of`.
    """
    if isinstance(program, GatedReLUProgram):
        return program.restrict(units)
    relu = _as_relu(program)
    return ReLUProgram(relu.problem, relu.masks[:, units], relu.signs[units])


def with_beta(program: ConvexProgram, beta: float) -> ConvexProgram:
    """Return the program of another weight decay > 0 on the same blocks."""
    kept = program if isinstance(program, GatedReLUProgram) else _as_relu(program)
    return with_problem(kept, kept.problem.with_beta(beta))


def with_problem(program: ConvexProgram, problem: Problem) -> ConvexProgram:
    """Return the program of another problem with the same X on the same blocks."""
    if isinstance(program, GatedReLUProgram):
        return program.with_problem(problem)
    return _as_relu(program).with_problem(problem)


def in_coordinates(program: ConvexProgram, rotation: Rotation) -> ConvexProgram:
    """Return the program in the coordinates of a rotation of its problem; itself where nothing is rotated."""
    if rotation.is_plain:
        return program
    if isinstance(program, GatedReLUProgram):
        return program.in_coordinates(rotation.problem, rotation.coordinates(program.patterns.gates))
    relu = _as_relu(program)
    return ReLUProgram(rotation.problem, relu.masks, relu.signs)


def norm_bounds(program: ConvexProgram) -> Array:
    """Return upper bounds on ``||D_b X||``, one a unit: how fast the norm of its dual can change with lam."""
    if isinstance(program, GatedReLUProgram):
        return program.norm_bounds()
    return np.full(program.n_blocks, np.linalg.norm(program.problem.X, 2))


def _as_relu(program: ConvexProgram) -> ReLUProgram:
    if not isinstance(program, ReLUProgram):
        raise TypeError(f"program must be a ReLUProgram or a gated program; got {type(program).__name__}")
    return program
