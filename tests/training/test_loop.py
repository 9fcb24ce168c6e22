"""Training against the enumerated convex program, restarts of the non-convex problem, limits and interrupts."""

import importlib

import cvxpy as cp
import numpy as np
import pytest
from scipy.optimize import minimize

from cvxnn import Problem, ReLUNetwork, beta_max, certify, enumerate_patterns, train
from cvxnn.statuses import SolveStatus
from cvxnn.training import descend_along_path, state


def small_problem(seed, output_offset=False, ratio=0.1):
    """Return a problem with n <= 10, d <= 3; duplicates, collinear rows and integer grids among them."""
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(1, 11)), int(rng.integers(1, 4))
    X = rng.standard_normal((n, d))
    if seed % 4 == 1 and n > 1:
        X[1] = X[0]
    if seed % 4 == 2 and n > 2:
        X[1], X[2] = 2.0 * X[0], -X[0]
    if seed % 4 == 3:
        X = rng.integers(-2, 3, (n, d)).astype(float)
    y = rng.standard_normal(n)
    largest = beta_max(Problem(X, y, 0.0, output_offset=output_offset))
    return Problem(X, y, ratio * largest if largest > 0 else 1.0, output_offset=output_offset)


def enumerated_optimum(problem):
    """Return the optimum of the convex program over all patterns, written out from Pilanci & Ergen 2020, eq. (8)."""
    D = np.asarray(enumerate_patterns(problem.X)).astype(float)
    shape = (problem.n_features, D.shape[1])
    V, W, b = cp.Variable(shape), cp.Variable(shape), cp.Variable()
    f = cp.sum(cp.multiply(D, problem.X @ (V - W)), axis=1) + (b if problem.output_offset else 0.0)
    penalty = cp.sum(cp.norm(V, 2, axis=0)) + cp.sum(cp.norm(W, 2, axis=0))
    cones = [cp.multiply(2 * D - 1, problem.X @ Z) >= 0 for Z in (V, W)]
    objective = 0.5 * cp.sum_squares(f - problem.y) + problem.beta * penalty
    statement = cp.Problem(cp.Minimize(objective), cones)
    return statement.solve(solver=cp.CLARABEL, tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10)


def best_restart(problem, n_restarts, rng, width=20):
    """Return the best objective of plain L-BFGS on the non-convex problem, written out anew."""
    d, best = problem.n_features, np.inf

    def value_and_gradient(w):
        U, a, b = w[: d * width].reshape(d, width), w[d * width : -1], w[-1] * problem.output_offset
        Z = np.maximum(problem.X @ U, 0.0)
        r = Z @ a + b - problem.y
        value = 0.5 * r @ r + 0.5 * problem.beta * (np.sum(U**2) + a @ a)
        gradient_U = problem.X.T @ ((Z > 0) * np.outer(r, a)) + problem.beta * U
        return value, np.concatenate(
            [gradient_U.ravel(), Z.T @ r + problem.beta * a, [r.sum() * problem.output_offset]]
        )

    for _ in range(n_restarts):
        start = rng.standard_normal(d * width + width + 1) * rng.choice([0.1, 1.0])
        best = min(
            best,
            minimize(value_and_gradient, start, jac=True, method="L-BFGS-B", options={"maxiter": 500}).fun,
        )
    return best


@pytest.mark.parametrize("ratio", [1e-1, 1e-2, 1e-3])
@pytest.mark.parametrize("seed", range(20))
def test_training_reaches_the_enumerated_optimum_with_proof(seed, ratio):
    problem = small_problem(seed, output_offset=seed % 3 == 0, ratio=ratio)
    result = train(problem, tol=1e-3)
    optimum = enumerated_optimum(problem)
    certificate = result.certificate
    assert certificate.proven
    assert certificate.scope == "network"
    assert certificate.objective == problem.objective(result.network)
    # Clarabel's own gap is 1e-10 absolute and relative; 1e-7 leaves room for its feasibility tolerance.
    slack = 1e-7 * (1.0 + optimum)
    assert certificate.lower_bound <= optimum + slack
    assert abs(certificate.objective - optimum) <= 1e-4 * optimum + slack


@pytest.mark.parametrize("seed", range(8))
def test_no_restart_of_the_non_convex_problem_gets_below_the_certified_bound(seed):
    problem = small_problem(seed + 100, output_offset=bool(seed % 2), ratio=0.03)
    result = train(problem)
    assert best_restart(problem, 10, np.random.default_rng(seed)) >= result.certificate.lower_bound * (
        1 - 1e-12
    )


@pytest.mark.parametrize("output_offset", [False, True])
def test_one_dimensional_data_with_bias_is_proven_optimal(output_offset):
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, 200)
    X = np.column_stack([x, np.ones(200)])
    y = np.sin(3 * x) + 0.1 * rng.standard_normal(200)
    beta = 0.01 * beta_max(Problem(X, y, 0.0, output_offset=output_offset))
    result = train(Problem(X, y, beta, output_offset=output_offset))
    assert result.status is SolveStatus.PROVEN
    assert result.certificate.relative_gap <= 1e-3
    assert result.certificate.method == "exact sweep"


def test_closed_form_of_one_sample():
    # X = 1, y = 1, beta = 1/2: v = 1/2, objective 1/8 + 1/4.
    result = train(Problem([[1.0]], [1.0], 0.5), tol=1e-9)
    assert result.certificate.objective == pytest.approx(0.375, abs=1e-9)
    np.testing.assert_allclose(result.network.hidden[0] * result.network.output, [0.5], atol=1e-6)


def test_from_beta_max_on_the_network_is_constant_and_below_it_is_not():
    problem = small_problem(4, output_offset=True)
    largest = beta_max(problem)
    above, below = train(problem.with_beta(1.0001 * largest)), train(problem.with_beta(0.99 * largest))
    assert above.network.n_neurons == 0
    assert above.certificate.proven
    assert below.network.n_neurons > 0


def test_the_network_is_basic_and_balanced():
    problem = small_problem(10, ratio=0.01)
    network = train(problem).network
    activations = np.maximum(problem.X @ network.hidden, 0.0)
    assert np.linalg.matrix_rank(activations) == network.n_neurons <= problem.n_samples
    np.testing.assert_allclose(np.linalg.norm(network.hidden, axis=0), np.abs(network.output), rtol=1e-12)


def test_targets_of_one_column_give_a_network_of_one_column():
    problem = small_problem(0)
    column = Problem(problem.X, problem.y[:, None], problem.beta)
    network = train(column).network
    np.testing.assert_allclose(network.predict(problem.X)[:, 0], train(problem).network.predict(problem.X))
    assert certify(column, network).proven


def test_given_patterns_are_kept_to_and_the_certificate_says_so():
    problem = small_problem(10, ratio=0.01)
    patterns = np.asarray(enumerate_patterns(problem.X))
    some = train(problem, patterns=patterns[:, ::3])
    full = train(problem, patterns=patterns)
    assert some.certificate.scope == full.certificate.scope == "program"
    assert full.certificate.objective <= some.certificate.objective * (1 + 1e-9)
    assert full.certificate.objective == pytest.approx(enumerated_optimum(problem), rel=1e-5)
    kept = {column.tobytes() for column in patterns[:, ::3].T}
    interior = np.abs(problem.X @ some.network.hidden) > 1e-9
    for j, column in enumerate(some.network.patterns(problem.X).T):
        assert any(
            np.array_equal(np.frombuffer(k, bool)[interior[:, j]], column[interior[:, j]]) for k in kept
        )


def planted(n=60, d=6, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    y = np.maximum(X @ rng.standard_normal((d, 3)), 0.0) @ [1.0, -1.0, 1.0] + 0.1 * rng.standard_normal(n)
    return Problem(X, y, 0.1)


def test_the_same_seed_gives_the_same_network_bit_for_bit_and_another_an_equal_objective():
    problem = planted()
    first, again, other = train(problem), train(problem), train(problem, random_state=7)
    np.testing.assert_array_equal(first.network.hidden, again.network.hidden)
    assert other.certificate.objective == pytest.approx(first.certificate.objective, rel=1e-3)


def test_objective_never_rises_from_round_to_round_and_the_bound_never_falls():
    history = train(planted()).history
    objectives, bounds = [r.objective for r in history], [r.lower_bound for r in history]
    assert objectives == sorted(objectives, reverse=True)
    assert bounds == sorted(bounds)
    assert len(history) > 2


def test_status_says_when_the_bound_did_not_close():
    result = train(planted(), max_seconds=60)
    assert result.status in (SolveStatus.NO_VIOLATION, SolveStatus.SETTLED)
    assert not result.certificate.proven
    # What puts the optimum within tol: no violation above it, or one whose small part is below.
    assert result.certificate.search_violation <= 1e-3 / state._OF_VIOLATION
    assert 0 < result.certificate.lower_bound < result.certificate.objective


def test_time_limit_returns_the_best_network_with_a_valid_certificate():
    problem = planted()
    result = train(problem, max_seconds=1e-6)
    assert result.status is SolveStatus.MAX_SECONDS
    assert result.certificate.objective == problem.objective(result.network)
    assert 0 <= result.certificate.lower_bound <= train(problem).certificate.objective


@pytest.mark.parametrize("stop_at", [0, 1, 2])
def test_interrupt_returns_the_best_network_with_a_valid_certificate(stop_at):
    problem, seen = planted(), []

    def interrupt(record):
        seen.append(record)
        if record.round == stop_at:
            raise KeyboardInterrupt

    result = train(problem, callback=interrupt)
    assert result.status is SolveStatus.INTERRUPTED
    assert result.certificate.objective <= seen[-1].objective * (1 + 1e-9)
    assert result.certificate.lower_bound <= result.certificate.objective


@pytest.mark.parametrize("call", [1, 2])
@pytest.mark.parametrize(
    ("module", "step"),
    [
        ("rounds", "descend"),
        ("rounds", "convexify"),
        ("violation_search", "explore"),
        ("violation_search", "searched_violations"),
        ("ending", "basic_atoms"),
        ("ending", "relaxed_bound"),
    ],
)
def test_interrupt_inside_a_step_returns_the_best_network(module, step, call, monkeypatch):
    module = importlib.import_module(f"cvxnn.training.{module}")
    plain, calls = getattr(module, step), []

    def interrupted(*args, **kwargs):
        calls.append(1)
        if len(calls) == call:
            raise KeyboardInterrupt
        return plain(*args, **kwargs)

    monkeypatch.setattr(module, step, interrupted)
    problem = planted()
    result = train(problem)
    assert (result.status is SolveStatus.INTERRUPTED) == (len(calls) >= call)
    assert result.certificate.objective == pytest.approx(problem.objective(result.network), rel=1e-12)
    assert result.certificate.lower_bound <= result.certificate.objective


def test_callback_can_stop_training():
    result = train(planted(), callback=lambda record: record.round == 1)
    assert result.status is SolveStatus.STOPPED
    assert len(result.history) == 2


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_huge_and_tiny_scales_are_trained_as_well(scale):
    base = planted(n=20, d=3)
    problem = Problem(base.X * scale, base.y * scale, base.beta * scale**2)
    plain = train(base, tol=1e-4)
    scaled = train(problem, tol=1e-4)
    assert scaled.certificate.proven
    assert scaled.certificate.objective == pytest.approx(plain.certificate.objective * scale**2, rel=1e-3)


@pytest.mark.parametrize(
    ("X", "y"),
    [
        ([[1.0, 2.0]], [3.0]),
        (np.ones((5, 2)), np.arange(5.0)),
        (np.vstack([np.eye(3)] * 2), np.arange(6.0)),
        (np.random.default_rng(0).standard_normal((4, 9)), np.arange(4.0)),
        (np.zeros((3, 2)), np.arange(3.0)),
        (np.eye(3), np.full(3, 0.1)),
        (np.eye(3), np.zeros(3)),
    ],
    ids=["one row", "constant columns", "duplicated rows", "n < d", "zero data", "constant y", "zero y"],
)
@pytest.mark.parametrize("output_offset", [False, True])
def test_degenerate_data_are_valid(X, y, output_offset):
    result = train(Problem(X, y, 0.05, output_offset=output_offset))
    assert result.certificate.proven


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tol": 0.0}, "tol must be a finite number > 0; got 0.0"),
        ({"tol": np.nan}, "tol must be"),
        ({"max_seconds": -1.0}, "max_seconds must be"),
        ({"patterns": np.ones((3, 1), dtype=bool)}, "patterns"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        train(planted(), **arguments)


def test_a_pattern_that_no_vector_realises_is_refused():
    # x and -x cannot both be strictly active, and with a third row there is no non-zero vector in the closed cone.
    X = np.array([[1.0], [1.0]])
    with pytest.raises(ValueError, match="patterns"):
        train(Problem(X, [1.0, 2.0], 0.1), patterns=np.array([[True], [False]]))


def test_beta_of_zero_is_refused():
    X, y = np.eye(2), np.ones(2)
    with pytest.raises(ValueError, match="beta must be > 0"):
        train(Problem(X, y, 0.0))


@pytest.mark.slow
def test_planted_problem_reaches_the_best_known_objective(data_home):
    data = np.load(data_home / "planted.npz")
    problem = Problem(data["X"], data["y"], float(data["beta"]))
    result = train(problem)
    assert result.certificate.objective <= 1.540345
    # Finer, so that 0.03 of the violation at the stop is below tol too.
    assert train(problem, tol=2e-5).certificate.search_violation <= 1e-3
    assert isinstance(result.network, ReLUNetwork)


def test_no_rounds_is_the_descent_alone():
    problem = planted()
    descended = train(problem, max_rounds=0, prove=False)
    assert descended.status is SolveStatus.MAX_ROUNDS
    assert [record.round for record in descended.history] == [0]
    assert descended.certificate.search_violation is None
    one = train(problem, max_rounds=1)
    assert one.status is SolveStatus.MAX_ROUNDS
    assert len(one.history) == 2
    assert one.certificate.search_violation is not None
    best = train(problem).certificate.objective
    assert best < one.certificate.objective < descended.certificate.objective < 1.02 * best


@pytest.mark.parametrize("value", [-1, 1.5, True, "2"])
def test_rounds_must_be_a_count(value):
    with pytest.raises(ValueError, match=f"max_rounds must be an integer >= 0; got {value!r}"):
        train(Problem([[1.0]], [1.0], beta=0.5), max_rounds=value)


def test_rounds_and_patterns_exclude_each_other():
    with pytest.raises(ValueError, match="max_rounds must be left out where patterns are given"):
        train(Problem([[1.0]], [1.0], beta=0.5), patterns=[[True]], max_rounds=1)


@pytest.mark.parametrize("step", [0.9, 0.2])
@pytest.mark.parametrize("max_seconds", [None, 1e-6])
def test_a_step_along_a_path_is_never_worse_and_without_a_limit_nearly_as_good_as_training(step, max_seconds):
    rng = np.random.default_rng(2)
    x = rng.uniform(-1, 1, 40)
    problem = Problem(
        np.column_stack([x, np.ones(40)]), np.abs(x[:, None]) + 0.1 * rng.standard_normal((40, 1)), 0.5
    )
    before = train(problem)
    lower = problem.with_beta(step * problem.beta)
    result = descend_along_path(
        lower, before.network, step=step, tol=1e-3, max_seconds=max_seconds, random_state=0
    )
    assert result.network.output.shape[1] == 1
    assert result.certificate.objective == pytest.approx(lower.objective(result.network), rel=1e-12)
    assert result.certificate.objective <= lower.objective(before.network) * (1 + 1e-12)
    if max_seconds is None:
        # Descents end within some thousandths of the optimum, paths within a hundredth.
        assert result.certificate.objective <= train(lower).certificate.objective * 1.01
        assert result.status is SolveStatus.MAX_ROUNDS
