"""The dual program: strong duality over random data, all losses, both ways to state it, units, planted faults."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn import Problem, ReLUNetwork, ReLUProgram, beta_max, enumerate_patterns, train
from cvxnn.landscape.duality.dual_program import _require_accurate, solve_dual, strong_duality
from cvxnn.landscape.duality.interpolation import minimum_norm_interpolation
from cvxnn.testing import CORNERS
from cvxnn.testing.samplers import DATA
from cvxnn.validation import PrecisionError

LOSSES = ("squared", "logistic", "huber", "squared_hinge", "hinge", "quantile")


def random_problem(seed, loss="squared", share=0.1, output_offset=False, data="gaussian", n=6, d=2):
    rng = np.random.default_rng(seed)
    X = DATA[data](rng, n, d)
    y = rng.standard_normal(n)
    if loss in ("logistic", "hinge", "squared_hinge"):
        y = np.where(y > 0, 1.0, -1.0)
        y[:2] = 1.0, -1.0
    critical = beta_max(X, y, loss=loss, output_offset=output_offset)
    return Problem(X, y, max(share * critical, 1e-3), loss, output_offset)


@given(
    seed=st.integers(0, 10_000),
    loss=st.sampled_from(LOSSES),
    data=st.sampled_from(sorted(DATA)),
    share=st.sampled_from([0.5, 0.1, 0.02]),
    output_offset=st.booleans(),
    method=st.sampled_from(["cuts", "cells"]),
)
def test_strong_duality(seed, loss, data, share, output_offset, method):
    problem = random_problem(seed, loss, share, output_offset, data)
    duality = strong_duality(problem, method=method)
    assert duality.values.holds, duality.values
    # Multipliers of an interior point are less exact than its values for losses with linear pieces.
    assert abs(duality.multipliers.difference) <= 1e-4 * max(1.0, duality.values.predicted)
    if duality.constraint is not None:
        assert duality.constraint.holds, duality.constraint
    dual = duality.dual
    assert dual.largest <= problem.beta * (1 + 1e-12)
    assert dual.value <= duality.values.measured * (1 + 1e-9)  # a bound, whatever the solver did
    if output_offset:
        assert abs(np.sum(dual.lam)) <= 1e-9 * np.sum(np.abs(dual.lam)) + 1e-15


def test_cells_and_cuts_find_the_same_dual_variable():
    problem = random_problem(3, n=7, d=3)
    cells, cuts = (solve_dual(problem, method=method) for method in ("cells", "cuts"))
    # The dual of the squared loss is 1-strongly concave: points within 1e-7 of its value are within 1e-3.
    np.testing.assert_allclose(cuts.lam, cells.lam, atol=1e-3)
    assert cells.rounds == 1
    assert cuts.rounds > 1
    assert cuts.relative_gap <= 1e-7
    assert cuts.n_constraints < cells.n_constraints


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_units_do_not_matter(scale):
    problem = random_problem(1, n=8)
    value = solve_dual(problem).value
    # (X, y) -> (X / scale, y scale), beta as it is scaled by the constraint's: the optimum is scale^2 times as large.
    scaled = Problem(problem.X / scale, problem.y * scale, problem.beta)
    assert solve_dual(scaled).value == pytest.approx(value * scale**2, rel=1e-6)


def test_several_outputs_by_cuts():
    rng = np.random.default_rng(0)
    problem = Problem(rng.standard_normal((6, 2)), rng.standard_normal((6, 2)), 0.3)
    dual = solve_dual(problem)
    certificate = train(problem, tol=1e-6).certificate
    assert dual.value == pytest.approx(certificate.objective, rel=2e-6)
    assert problem.objective(dual.network) == pytest.approx(dual.value, rel=1e-5)


def test_sample_weights_of_zero():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((6, 2)), rng.standard_normal(6)
    weighted = solve_dual(Problem(X, y, 0.2, sample_weight=[1, 2, 0, 1, 1, 0.5]))
    assert weighted.lam[2] == 0.0
    without = np.array([0, 1, 3, 4, 5])
    alone = solve_dual(Problem(X[without], y[without], 0.2, sample_weight=[1, 2, 1, 1, 0.5]))
    assert weighted.value == pytest.approx(alone.value, rel=1e-6)


def test_above_the_critical_beta_nothing_binds():
    problem = random_problem(0, share=1.5)
    dual = solve_dual(problem)
    assert dual.network.n_neurons == 0
    np.testing.assert_allclose(dual.lam, problem.y, atol=1e-6)


def test_a_dual_of_half_the_cells_is_rejected(monkeypatch):
    """Planted fault: the program that forgets cells is a larger dual, whose point is not feasible."""
    problem = random_problem(5, share=0.05)
    honest = strong_duality(problem, method="cells")
    half = enumerate_patterns(problem.X)[::2]
    monkeypatch.setattr("cvxnn.landscape.duality.dual_program.enumerate_patterns", lambda X, **kwargs: half)
    assert 0.0 <= honest.dual.relative_gap < 1e-6
    # The cells left out make the program's value larger than what its point proves, by far more than a solver leaves.
    with pytest.raises(PrecisionError, match="is not the bound"):
        solve_dual(problem, method="cells")


def test_a_primal_on_half_the_cells_is_rejected(monkeypatch):
    problem = random_problem(5, share=0.05)

    class Forgetful(ReLUProgram):
        def __init__(self, problem, patterns, signs=None):
            super().__init__(problem, np.asarray(patterns)[:, ::2], signs)

    monkeypatch.setattr("cvxnn.landscape.duality.dual_program.ReLUProgram", Forgetful)
    assert not strong_duality(problem).values.holds


@pytest.mark.parametrize(
    ("problem", "options", "message"),
    [
        (Problem([[1.0]], [1.0], 0.0), {}, "beta must be > 0"),
        (Problem([[1.0]], [1.0], 1.0), {"method": "sdp"}, "method must be one of"),
        (Problem([[1.0]], [1.0], 1.0), {"max_rounds": 0}, "max_rounds must be an integer >= 1"),
        (
            Problem([[1.0]], [[1.0, 2.0]], 1.0),
            {"method": "cells"},
            r"y must have one output, \(n,\) or \(n, 1\)",
        ),
        (Problem(np.random.default_rng(0).standard_normal((60, 30)), np.ones(60), 1.0), {}, "affordable"),
    ],
)
def test_bad_input(problem, options, message):
    with pytest.raises(ValueError, match=message):
        solve_dual(problem, **options)


def test_few_rounds_still_give_a_bound():
    problem = random_problem(2, share=0.02)
    exact = strong_duality(problem)
    few = solve_dual(problem, max_rounds=2)
    assert few.rounds == 2
    assert few.value <= exact.values.measured <= few.relaxed_value * (1 + 1e-9)
    assert isinstance(few.network, ReLUNetwork)


@pytest.mark.parametrize("method", ["cuts", "cells"])
@pytest.mark.parametrize("scale", [1e-150, 1e-11, 1e11, 1e30, 1e150])
def test_targets_of_any_size(scale, method):
    problem = random_problem(1, n=8)
    value = solve_dual(problem, method=method).value
    dual = solve_dual(Problem(problem.X, problem.y * scale, problem.beta * scale), method=method)
    # (y, beta) -> (c y, c beta) scales the optimum by c^2; cuts end at a gap of 1e-7.
    assert dual.value / scale**2 == pytest.approx(value, rel=1e-6)
    assert dual.relaxed_value >= dual.value
    assert dual.relative_gap <= 1e-6


@pytest.mark.parametrize("method", ["cuts", "cells"])
@pytest.mark.parametrize("share", [1.0, 1e-4, 1e-8, 1e-12])
def test_weight_decays_down_to_the_least(share, method):
    problem = random_problem(1, n=8, share=0.1)
    critical = beta_max(problem.X, problem.y)
    dual = solve_dual(problem.with_beta(share * critical), method=method)
    norm = minimum_norm_interpolation(problem.X, problem.y)
    # The optimum is below beta times the smallest norm, by at most what `interpolation_limit` says.
    beta, square = share * critical, float(norm.lam @ norm.lam)
    assert dual.value <= beta * norm.norm * (1 + 1e-6)
    assert dual.value >= beta * (norm.norm - 0.5 * beta * square) * (1 - 1e-6)
    assert dual.value <= dual.relaxed_value <= dual.value * (1 + 1e-6)
    assert dual.largest <= beta * (1 + 1e-12)


def test_a_value_below_its_bound_is_refused():
    with pytest.raises(PrecisionError, match=r"not solved accurately: its value 0\.9 is not the bound 1"):
        _require_accurate(1.0, 0.9, "cuts")
    with pytest.raises(PrecisionError, match="a larger beta"):
        _require_accurate(1.0, 1.1, "cells")
    assert _require_accurate(1.0, 1.0 - 1e-9, "cells") == 1.0
    assert _require_accurate(1.0, 1.1, "cuts") == 1.1


def test_data_of_a_million_cells_are_refused_with_their_number():
    rng = np.random.default_rng(0)
    problem = Problem(rng.standard_normal((60, 5)), rng.standard_normal(60), 1.0)
    with pytest.raises(ValueError, match=r"up to 978,812 cells"):
        solve_dual(problem)


def test_a_time_limit_ends_with_a_bound():
    problem = random_problem(3, n=7, d=2)
    # Of rank 2 a search takes no time to speak of, so that the limit ends the rounds, not the call.
    quick, whole = solve_dual(problem, max_seconds=1e-9), solve_dual(problem)
    assert quick.rounds < whole.rounds
    assert quick.value <= whole.relaxed_value <= quick.relaxed_value * (1 + 1e-9)


@pytest.mark.parametrize("where", ["ordinary rows", "an integer grid", "opposite rows"])
@pytest.mark.parametrize("share", [1e-5, 1e-9, 1e-12])
def test_the_network_of_cells_is_as_good_as_the_bound(where, share):
    """Multipliers of the cones alone gave up to twelve times the optimum at the smallest of these."""
    X, y = CORNERS[where]
    problem = Problem(X, y, share * beta_max(X, y))
    dual = solve_dual(problem, method="cells")
    objective = problem.objective(dual.network)
    assert objective >= dual.value * (1 - 1e-12)
    # Ten times what the refit ends at, for where it ends with its programs.
    assert objective <= dual.value * (1 + 1e-6)


def test_networks_of_cones_are_not_as_good(monkeypatch):
    """Planted fault: without the refit the network is far above the bound."""
    monkeypatch.setattr("cvxnn.landscape.duality.dual_program._REFITS", 0)
    X, y = CORNERS["opposite rows"]
    problem = Problem(X, y, 1e-12 * beta_max(X, y))
    dual = solve_dual(problem, method="cells")
    assert problem.objective(dual.network) > 1.1 * dual.value
