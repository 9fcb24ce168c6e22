"""Training that keeps to given activation patterns: one convex program, or a few where output directions are free."""

from __future__ import annotations

from typing import Any

import numpy as np

from cvxnn.atoms import Atoms, basic_atoms
from cvxnn.certificates import dual_bound, make_certificate
from cvxnn.deadlines import Deadline
from cvxnn.patterns import ActivationPatterns
from cvxnn.problem import Problem
from cvxnn.programs import ReLUProgram
from cvxnn.solvers import Solution, solve
from cvxnn.statuses import SolveStatus
from cvxnn.training.exploration import judge
from cvxnn.training.result import TrainingResult
from cvxnn.validation import Array

_GAP = 1e-6
# Rounds of new output directions, and what a violation must be to ask for another, in units of tol.
_ROUNDS, _VIOLATION = 50, 0.1
_KEPT = (SolveStatus.MAX_SECONDS, SolveStatus.INTERRUPTED)


def train_on_patterns(
    problem: Problem, patterns: ActivationPatterns | Any, *, tol: float, max_seconds: float | None
) -> TrainingResult:
    """Train a network whose neurons keep to given patterns.

    For one output, and in the per-class variant, this is one convex program. With several outputs a program holds
    output directions fixed: those in which its dual variable violates a cell's constraint most are added until none
    does, and the bound takes the cells' spectral norms.

    Parameters
    ----------
    problem : Problem
        The training problem.
    patterns : ActivationPatterns or bool array_like of shape (n, P)
        Patterns that non-zero vectors realise.
    tol : float
        Relative gap that counts as proven.
    max_seconds : float, optional
        Time limit.
    """
    program = ReLUProgram(problem, patterns)
    free = problem.n_outputs > 1 and problem.output_norm == "l2"
    gap = min(tol, _GAP)
    if free:
        solution, bound, method = _with_free_directions(program, tol, gap, max_seconds)
    else:
        solution = solve(program, tol=gap, max_seconds=max_seconds)
        bound, method = solution.certificate.lower_bound, solution.certificate.method
    assert isinstance(solution.program, ReLUProgram)
    atoms = Atoms(solution.blocks, solution.program.masks, solution.program.signs).nonzero()
    network = atoms.network(problem, solution.offset)
    if len(atoms):
        basic = basic_atoms(problem, atoms).network(problem, solution.offset)
        # Pruning keeps fit and penalty to rounding.
        if problem.objective(basic) <= problem.objective(network) * (1.0 + 1e-9):
            network = basic
    certificate = make_certificate(problem.objective(network), bound, tol=tol, method=method, scope="program")
    status = solution.status if solution.status in _KEPT else SolveStatus.STALLED
    if certificate.proven:
        status = SolveStatus.PROVEN
    if network.n_neurons == 0 and status not in (SolveStatus.PROVEN, SolveStatus.INTERRUPTED):
        status = SolveStatus.EMPTY
    return TrainingResult(network, certificate, status, ())


def _with_free_directions(
    program: ReLUProgram, tol: float, gap: float, max_seconds: float | None
) -> tuple[Solution, float, str]:
    """Solve programs with more and more output directions; return the last solution and a bound for all directions."""
    problem = program.problem
    deadline = Deadline.after(max_seconds)
    patterns = Atoms(np.zeros((problem.n_features, program.n_blocks)), program.masks, program.signs)
    atoms, best, method = patterns, 0.0, "non-negative objective"
    for _ in range(_ROUNDS):
        program = ReLUProgram(problem, atoms.masks, atoms.signs)
        start = atoms.blocks if np.any(atoms.blocks) else None
        solution = solve(program, tol=gap, start=start, max_seconds=deadline.limit())
        lam = program.dual_variable(solution.blocks, solution.offset)
        bound = dual_bound(problem, lam, _largest_spectral_norm(problem, patterns, lam))
        if bound > best:
            best, method = bound, "spectral norms of the cells"
        atoms = Atoms(solution.blocks, atoms.masks, atoms.signs).nonzero()
        turned, values = judge(problem, patterns.join(atoms.without_blocks()), lam, deadline)
        violated = values > (1.0 + _VIOLATION * tol) * problem.beta
        if not np.any(violated) or solution.status in (*_KEPT, SolveStatus.EMPTY):
            break
        atoms = atoms.join(turned.select(violated))
    return solution, best, method


def _largest_spectral_norm(problem: Problem, patterns: Atoms, lam: Array) -> float:
    """Return ``max_b ||X^T D_b lam||_2``, which bounds the dual constraint on every cell, in any output direction."""
    masks = np.unique(patterns.masks, axis=1)
    return max(float(np.linalg.norm((problem.X * masks[:, [b]]).T @ lam, 2)) for b in range(masks.shape[1]))
