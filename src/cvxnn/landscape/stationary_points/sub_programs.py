"""Stationary networks and the convex program on their own patterns: when one is the optimum of the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.atoms import ON_KINK, Atoms, find_kinks
from cvxnn.landscape.minimal_networks.minimality import largest_spread
from cvxnn.landscape.minimal_networks.operations import signed_blocks
from cvxnn.landscape.stationary_points.clarke import Stationarity, stationarity
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem, as_network, as_problem
from cvxnn.programs import ReLUProgram
from cvxnn.short_reprs import short_repr
from cvxnn.solvers import solve
from cvxnn.theorems import Comparison, HypothesisError
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import as_number

# Relative gap to which the sub-program is solved.
_GAP = 1e-9


@short_repr
@dataclass(frozen=True)
class OwnProgram:
    """A stationary network beside the convex program on its own patterns.

    Parameters
    ----------
    objective : Comparison
        The training objective of the network; the optimum of the convex program on its neurons' patterns.
    spread : Comparison
        The largest sine of the angle between two neurons of one closed cell and sign (1 beyond a right angle); zero,
        for a network is nearly minimal when these are positively collinear.
    """

    objective: Comparison
    spread: Comparison


@on_one_blas_thread
def sub_sampled_program(
    problem: Problem,
    network: ReLUNetwork,
    *,
    kinks: Any = None,
    kink_tol: float = ON_KINK,
    both_signs: bool = False,
) -> ReLUProgram:
    """Return the convex program sub-sampled to the patterns and output signs (or directions) of a network's neurons.

    The pattern of a neuron is ``1[X u_j >= 0]``, samples on its kink active: one of the closed cells that contain it.
    Zero neurons name no pattern.

    Parameters
    ----------
    problem : Problem
        With beta > 0.
    network : ReLUNetwork
        With a non-zero neuron.
    kinks : bool array_like of shape (n, m), optional
        Which samples are on the kink of which neurons; by default those with
        ``|x_i^T u_j| <= kink_tol ||x_i|| ||u_j||``.
    kink_tol : float, default 1e-9
        See ``kinks``.
    both_signs : bool, default False
        Whether every pattern has a block for each sign, not only for the signs of its neurons; for one output.

    Raises
    ------
    ValueError
        If no neuron is non-zero, the problem has no weight decay, or it has several outputs and both signs are asked
        for.
    """
    problem, network = as_problem(problem), as_network(network)
    problem.require_trainable()
    problem.require_scale()
    network = problem.fitting(network)
    blocks, signs = signed_blocks(network)
    used = np.linalg.norm(blocks, axis=0) > 0
    if not np.any(used):
        raise ValueError("network must have a non-zero neuron; found none")
    hidden = network.hidden[:, used]
    kink_tol = as_number(kink_tol, "kink_tol")
    near = find_kinks(problem.X, hidden, kink_tol) if kinks is None else np.asarray(kinks, np.bool_)[:, used]
    masks = (problem.X @ hidden > 0) | near
    if both_signs:
        _with_one_output(problem)
        return ReLUProgram(problem, np.unique(masks, axis=1))
    atoms = Atoms(blocks[:, used], masks, signs[used])
    atoms = atoms.join(atoms)  # each pattern and sign once
    return ReLUProgram(problem, atoms.masks, atoms.signs)


@on_one_blas_thread
def optimal_on_own_patterns(
    problem: Problem,
    network: ReLUNetwork,
    *,
    kinks: Any = None,
    kink_tol: float = ON_KINK,
    both_signs: bool = False,
    tol: float = 1e-8,
) -> OwnProgram:
    """Compare a stationary network with the optimum of the convex program on its own patterns.

    Statement: a Clarke stationary network solves the convex program sub-sampled to the patterns and signs of its own
    neurons, and neurons of one closed cell and sign are positively collinear: it is nearly minimal.

    Hypotheses: the network is Clarke stationary, and at no kink is the objective concave (`Stationarity.bends`), which
    is to say that it cannot go down to first order in any direction. For ``both_signs`` no non-zero neuron is on a
    kink. Local minima, so limits of descent, satisfy the first two.

    Guarantee: tight.

    Parameters
    ----------
    problem : Problem
        Of one output, beta > 0, its loss smooth.
    network : ReLUNetwork
        The network; zero neurons are left out.
    kinks : bool array_like of shape (n, m), optional
        As for `stationarity`.
    kink_tol : float, default 1e-9
        As for `stationarity`.
    both_signs : bool, default False
        Whether the program has a block of each sign for every pattern.
    tol : float, default 1e-8
        Residual up to which the network counts as stationary, and its bends, in units of ``Stationarity.scale``, as
        not concave.

    Returns
    -------
    OwnProgram
        The program is solved to a relative gap of 1e-9.

    Raises
    ------
    HypothesisError
        If a hypothesis does not hold.
    ValueError
        As for `stationarity`; if the problem has several outputs or no weight decay.

    Notes
    -----
    Proof: with s the sign and ``u^`` the unit direction of a neuron, stationarity reads ``beta u^ = s X^T D^ lam``. Its
    block is optimal in the cell of pattern D when ``beta u^ = s X^T D lam + X^T (2D - I) z``, z >= 0 and zero off the
    kink. With ``z_i = s lam_i (D^_i - D_i) (2 D_i - 1)`` the two agree, and ``z_i >= 0`` where ``s lam_i <= 0``: where
    the objective is convex. So ``beta u^`` is the projection of ``s X^T D lam`` on the cell, one vector for all
    neurons of that cell and sign.

    The slides state the theorem for all Clarke stationary points, and with both signs. At a kink where the objective is
    concave it fails, since Clarke's subdifferential holds the gradients of both sides, either of which may lead down;
    and a neuron of the other sign may pay in the cell of a neuron on a kink: `kinked_example` and its tests. The
    converse fails where a cone constraint binds more than the loss can account for (z_i above ``|lam_i|``).

    References
    ----------
    Y. Wang, J. Lacotte, M. Pilanci, "The hidden convex optimization landscape of regularized two-layer ReLU
    networks", ICLR 2022 (characterisation of Clarke stationary points; nearly minimal networks).

    Examples
    --------
    >>> problem = Problem([[1.0]], [1.0], beta=0.5)
    >>> found = optimal_on_own_patterns(problem, ReLUNetwork([[0.5**0.5]], [0.5**0.5]))
    >>> found.objective.holds, found.spread.measured
    (True, 0.0)
    """
    problem, network = as_problem(problem), as_network(network)
    problem = _with_one_output(problem)
    found = stationarity(problem, network, kinks=kinks, kink_tol=kink_tol)
    _check_hypotheses(found, network, both_signs, tol)
    used = np.linalg.norm(network.hidden, axis=0) > 0
    measured = problem.objective(network)
    if not np.any(used):
        predicted = problem.loss_value(np.zeros_like(problem.y), problem.null_offset())
    else:
        program = sub_sampled_program(problem, network, kinks=found.kinks, both_signs=both_signs)
        predicted = solve(program, tol=_GAP).objective
    spread = largest_spread(problem, network.select(used), kinks=found.kinks[:, used])
    # Directions differ by as much as gradients do, relative to beta times the neuron's size.
    return OwnProgram(Comparison(measured, predicted), Comparison(spread, 0.0))


def _with_one_output(problem: Problem) -> Problem:
    problem.require_trainable()
    problem.require_scale()
    return problem.one_output()


def _check_hypotheses(found: Stationarity, network: ReLUNetwork, both_signs: bool, tol: float) -> None:
    if not found.is_stationary(tol):
        raise HypothesisError(
            f"the network must be Clarke stationary: its residual is {found.residual:.3g}, above {tol:g}"
        )
    if np.min(found.bends, initial=0.0) < -tol * found.scale:
        concave = int(np.sum(found.bends < -tol * found.scale))
        raise HypothesisError(f"the objective must not be concave at a kink: it is at {concave}")
    on_kink = np.argwhere(found.kinks & (np.linalg.norm(network.hidden, axis=0) > 0))
    if both_signs and len(on_kink):
        sample, neuron = on_kink[0]
        raise HypothesisError(
            f"no non-zero neuron must be on a kink for the program with both signs; neuron {neuron} is on that of "
            f"sample {sample}"
        )


@short_repr
@dataclass(frozen=True, eq=False)
class KinkedExample:
    """A problem, a network and its kinks; see `kinked_example`."""

    problem: Problem
    network: ReLUNetwork
    kinks: NDArray[np.bool_]


def kinked_example(target: float) -> KinkedExample:
    """Return a network with a sample of a given target on its kink, where both directions of the theorem can fail.

    Data ``x_1 = (0, 1)``, ``x_2 = (1, -1)``, targets ``target`` and 1, squared loss, beta = 1/2; one neuron
    ``u = sqrt(1/2) (1, 0)``, ``a = sqrt(1/2)``, whose block is ``(1/2, 0)``. Sample 1 is on its kink, its own pattern
    is all active. There ``lam = (target, 1/2)``, and the bend of the objective is ``-target`` times a.

    - Clarke stationary: ``(1/2, 0) = D^ target (0, 1) + (1/2) (1, -1)``, so exactly for target >= 1/2.
    - Optimal on its own pattern: ``(1/2, 0) = target (0, 1) + (1/2) (1, -1) + z (0, 1)``, z >= 0, so exactly for
      target <= 1/2.

    Below 1/2 the converse of the theorem fails: the cone constraint of sample 1 binds. Above, the theorem itself fails
    without the hypothesis on bends: the objective is concave at the kink, and both sides lead down.

    Examples
    --------
    >>> binds, concave = kinked_example(0.0), kinked_example(1.0)
    >>> [stationarity(e.problem, e.network, kinks=e.kinks).is_stationary() for e in (binds, concave)]
    [False, True]
    """
    problem = Problem([[0.0, 1.0], [1.0, -1.0]], [target, 1.0], beta=0.5)
    root = float(np.sqrt(0.5))
    return KinkedExample(problem, ReLUNetwork([[root], [0.0]], [root]), np.array([[True], [False]]))
