"""Working sets of blocks: small sets that must grow, either inner solver, screening that never loses a block."""

from __future__ import annotations

import numpy as np
import pytest

from cvxnn import ActivationPatterns, GatedReLUProgram, Problem, ReLUProgram, sample_patterns, solve
from cvxnn.solvers import WorkingSet, working_set
from cvxnn.solvers.path import critical_beta
from cvxnn.statuses import SolveStatus
from cvxnn.testing import (
    check_interrupt,
    check_never_worse_than_start,
    check_solution,
    check_solves,
    check_time_limit,
    samplers,
)

every_program = pytest.mark.parametrize("kind", [GatedReLUProgram, ReLUProgram])
every_sampler = pytest.mark.parametrize("sampler", samplers.DATA.values(), ids=samplers.DATA)
offsets = pytest.mark.parametrize("output_offset", [False, True], ids=["no offset", "offset"])
# From the smallest sets, so that programs of twenty blocks take many rounds.
SMALL = WorkingSet(initial_size=1, growth=1.0)


def sample(kind, sampler, n=20, d=3, P=20, *, output_offset=False, ratio=0.05, seed=3, scale=1.0):
    rng = np.random.default_rng(seed)
    X = scale * sampler(rng, n, d)
    y = rng.standard_normal(n) + 0.5
    patterns = ActivationPatterns.from_gates(X, rng.standard_normal((d, P)))
    probe = kind(Problem(X, y, 1.0, output_offset=output_offset), patterns)
    critical = probe.critical_beta(probe.dual_variable(np.zeros((d, probe.n_blocks))))
    return kind(Problem(X, y, max(ratio * critical, 1e-12), output_offset=output_offset), patterns)


@every_program
@every_sampler
@offsets
def test_small_sets_grow_to_the_optimum(kind, sampler, output_offset):
    program = sample(kind, sampler, output_offset=output_offset)
    if sampler in (samplers.tiny, samplers.huge, samplers.badly_scaled_rows):
        # CVXPY's tolerances are partly absolute: the proven gap is the judge.
        solution = solve(program, SMALL)
        check_solution(solution)
        assert solution.certificate.proven
    else:
        check_solves(program, SMALL, tol=1e-6)


@every_program
@pytest.mark.parametrize(("n", "d"), [(3, 6), (1, 1), (1, 4), (30, 2)])
def test_small_sets_at_every_shape(kind, n, d):
    check_solves(sample(kind, samplers.off_origin, n, d), SMALL, tol=1e-6)


@every_program
@pytest.mark.parametrize("scale", [1e-8, 1e-4, 1e4, 1e8])
@pytest.mark.parametrize("y_scale", [1e-8, 1e8])
def test_small_sets_at_every_scale(kind, scale, y_scale):
    unit = sample(kind, samplers.gaussian)
    problem = Problem(scale * unit.problem.X, y_scale * unit.problem.y, scale * y_scale * unit.problem.beta)
    patterns = unit.patterns if kind is GatedReLUProgram else unit.masks[:, : unit.n_blocks // 2]
    found = solve(kind(problem, patterns), SMALL, tol=1e-8)
    assert found.certificate.proven
    assert found.objective == pytest.approx(y_scale**2 * solve(unit, tol=1e-8).objective, rel=4e-8)


def test_first_order_steps_inside():
    program = sample(GatedReLUProgram, samplers.gaussian)
    check_solves(program, WorkingSet("proximal_gradient", 2, 1.0), tol=1e-6)


@offsets
def test_weights_take_proximal_newton_steps_and_their_own_curvature(output_offset):
    """Weights of 4 make the loss four times as steep; screening with its radius unscaled would lose blocks."""
    squared = sample(GatedReLUProgram, samplers.gaussian, output_offset=output_offset)
    problem = squared.problem
    weights = np.full(problem.n_samples, 4.0)
    steep = Problem(problem.X, problem.y, 4.0 * problem.beta, "squared", output_offset, weights)
    program = GatedReLUProgram(steep, squared.patterns)
    assert steep.curvature == 4.0
    for solver in ("auto", WorkingSet(initial_size=1, growth=1.0)):
        assert solve(program, solver).objective == pytest.approx(4.0 * solve(squared).objective, rel=3e-6)
    with pytest.raises(ValueError, match="another one than 'semismooth Newton'"):
        solve(program, WorkingSet("newton"))


def test_duplicated_patterns_change_nothing():
    program = sample(ReLUProgram, samplers.gaussian)
    twice = ReLUProgram(program.problem, np.hstack([program.masks, program.masks]), np.tile(program.signs, 2))
    for solver in (SMALL, WorkingSet()):
        assert solve(twice, solver, tol=1e-8).objective == pytest.approx(
            solve(program, solver, tol=1e-8).objective, rel=4e-8
        )


@every_program
def test_limits_interrupts_and_starts_with_small_sets(kind):
    program = sample(kind, samplers.off_origin, n=30, ratio=0.01, output_offset=True)
    check_time_limit(program, SMALL)
    for evaluation in (1, 2, 4, 8):
        check_interrupt(program, SMALL, evaluation, tol=1e-12)
    for seed in range(4):
        start = samplers.blocks(np.random.default_rng(seed), 3, program.n_blocks)
        check_never_worse_than_start(program, SMALL, start)


@every_program
def test_a_time_limit_inside_the_rounds_returns_what_was_seen(kind):
    program = sample(kind, samplers.off_origin, n=30, ratio=0.01)
    for max_steps in (1, 5, 15, 40):
        solution = solve(program, SMALL, tol=1e-12, max_steps=max_steps)
        check_solution(solution)
        assert solution.status in (SolveStatus.MAX_STEPS, SolveStatus.SOLVED, SolveStatus.FINISHED)


def test_most_blocks_never_enter_a_working_set(monkeypatch):
    """What the solver is for: a few blocks of many are ever solved for."""
    program = sample(GatedReLUProgram, samplers.with_bias_column, n=40, d=4, P=600, ratio=0.3)
    sizes = []
    original = working_set.restrict
    monkeypatch.setattr(working_set, "restrict", lambda p, b: sizes.append(len(b)) or original(p, b))
    solution = solve(program, WorkingSet(initial_size=10))
    assert solution.certificate.proven
    assert max(size for size in sizes if size < 300) < 100


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"inner": "simplex"},
            r"inner must be 'auto' or one of \['newton', 'proximal_gradient'\]; got 'simplex'",
        ),
        ({"initial_size": 0}, "initial_size must be >= 1; got 0"),
        ({"growth": 0.5}, r"growth must be >= 1; got 0\.5"),
        ({"inner_tol": 1.0}, r"inner_tol must be > 0 and < 1; got 1\.0"),
    ],
)
def test_bad_settings_are_refused_by_name(options, message):
    with pytest.raises(ValueError, match=message):
        WorkingSet(**options)


@pytest.mark.parametrize("loss", ["squared", "huber", "quantile"])
@pytest.mark.parametrize("shape", [(20,), (20, 3)], ids=["one output", "outputs"])
def test_a_gated_program_without_time_has_the_best_of_a_proximal_step(loss, shape):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((20, 3)), rng.standard_normal(shape)
    program = GatedReLUProgram(Problem(X, y, 1.0, loss, True), sample_patterns(X, 10, random_state=0))
    beta = critical_beta(program)
    below = program.with_beta(0.99 * beta)
    early, whole = solve(below, max_seconds=1e-9), solve(below)
    none = below.objective(np.zeros_like(early.blocks))
    assert early.status is SolveStatus.MAX_SECONDS
    # So near the critical beta most of what there is to win lies on the ray: 97 % and more here.
    assert none - early.objective > 0.9 * (none - whole.objective) > 0.0
    assert early.history[-1].objective == early.objective
    sizes = np.array([0.99, 1.01])[:, None, None] * early.blocks
    # The bend of a kink smoothed to a millionth of the loss may hide the best size.
    assert min(below.objective(W) for W in sizes) >= early.objective * (1.0 - 1e-6)
    above = solve(program.with_beta(1.01 * beta), max_seconds=1e-9)
    assert above.status is SolveStatus.SOLVED
    assert not np.any(above.blocks)


@pytest.mark.parametrize("loss", ["squared", "logistic", "hinge"])
@pytest.mark.parametrize("output_offset", [False, True])
def test_a_program_with_cones_without_time_has_a_step_of_a_few_blocks(loss, output_offset):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 3))
    y = X[:, 0] + 0.5 if loss == "squared" else np.where(X[:, 0] + 0.5 > 0, 1.0, -1.0)
    program = ReLUProgram(Problem(X, y, 0.1, loss, output_offset), sample_patterns(X, 20, random_state=0))
    early = solve(program, max_seconds=1e-9)
    none = program.objective(np.zeros_like(early.blocks))
    assert early.status is SolveStatus.MAX_SECONDS
    check_solution(early)  # in their cones, among others
    # Half of what zero costs and more, on data that one neuron fits.
    assert early.objective < 0.5 * none
    sizes = np.array([0.99, 1.01])[:, None, None] * early.blocks
    # The bend of a kink smoothed to a millionth of the loss may hide the best size.
    assert min(program.objective(W) for W in sizes) >= early.objective * (1.0 - 1e-6)


def test_a_program_that_has_no_blocks_when_time_is_up_says_so(monkeypatch):
    """The largest gradient leads out of its cone, and no other block is moved."""
    monkeypatch.setattr("cvxnn.solvers.loop._FEW", 1)
    patterns = np.array([[True, False], [False, True]])
    program = ReLUProgram(Problem([[1.0], [-1.0]], [-3.0, 2.0], 0.1), patterns, np.ones(2))
    early = solve(program, max_seconds=1e-9)
    assert not np.any(early.blocks)
    assert early.status is SolveStatus.EMPTY
    assert solve(program).status is SolveStatus.SOLVED
    start = np.array([[0.0, -0.5]])
    begun = solve(program, start=start, max_seconds=1e-9)
    assert begun.status is SolveStatus.MAX_SECONDS
    assert begun.objective <= program.objective(start)
