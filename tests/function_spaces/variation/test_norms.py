"""The variation norm: its bound, the strict example, and values on data from both sides."""

import contextlib
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn import ReLUNetwork
from cvxnn.deadlines import Deadline
from cvxnn.function_spaces.oracles.neuron_oracles import ReLUOracle
from cvxnn.function_spaces.unit_norm.unit_networks import UnitNetwork
from cvxnn.function_spaces.variation.norms import strict_bound_example, variation_norm, variation_norm_bound
from cvxnn.landscape import minimum_norm_interpolation
from cvxnn.patterns import enumerate_patterns
from cvxnn.theorems import HypothesisError
from cvxnn.validation import PrecisionError


def test_the_bound_of_a_relu_network_is_its_path_norm(rng):
    network = ReLUNetwork(rng.standard_normal((3, 4)), rng.standard_normal(4))
    assert variation_norm_bound(network) == pytest.approx(network.path_norm, rel=1e-14)
    assert variation_norm_bound(network, "step") == pytest.approx(np.sum(np.abs(network.output)))


def test_the_strict_example():
    example = strict_bound_example()
    X = np.random.default_rng(0).standard_normal((20, 2))
    np.testing.assert_allclose(example.network.predict(X), X.sum(axis=1), atol=1e-12)
    # A representation of the smaller norm, everywhere on the plane ...
    v = np.array([[1.0, -1.0], [1.0, -1.0]]) / np.sqrt(2)
    better = UnitNetwork(v, np.sqrt(2) * np.array([1.0, -1.0]))
    np.testing.assert_allclose(better.predict(X), X.sum(axis=1), atol=1e-12)
    assert better.total_variation == pytest.approx(example.norm)
    assert example.norm < example.bound
    # ... and the proof on two points that there is none of a smaller one.
    angles = np.linspace(0, 2 * np.pi, 1000)
    features = np.maximum(example.X @ np.stack([np.cos(angles), np.sin(angles)]), 0.0)
    assert np.max(np.abs(example.lam @ features)) <= 1.0 + 1e-12
    assert example.lam @ example.network.predict(example.X) == pytest.approx(example.norm)
    norm = variation_norm(example.X, example.network.predict(example.X))
    assert norm.value == pytest.approx(example.norm, rel=1e-9)
    assert norm.lower_bound == pytest.approx(example.norm, rel=1e-9)


@pytest.mark.parametrize(("n", "d"), [(5, 1), (6, 2), (7, 3)])
def test_values_of_relu_networks_against_the_enumerated_program(n, d):
    rng = np.random.default_rng(n)
    X = rng.standard_normal((n, d))
    f = np.maximum(X @ rng.standard_normal((d, 3)), 0.0) @ rng.standard_normal(3)
    norm = variation_norm(X, f)
    expected = minimum_norm_interpolation(X, f)
    assert norm.lower_bound * (1 - 1e-7) <= expected.norm <= norm.value * (1 + 1e-7)
    assert norm.duality.holds
    assert norm.network.n_neurons <= n
    assert norm.is_exact
    assert norm.status.name == "PROVEN"
    np.testing.assert_allclose(norm.network.predict(X), f, atol=1e-8)


def test_values_of_threshold_networks_against_all_patterns():
    from scipy.optimize import linprog

    rng = np.random.default_rng(0)
    X, f = rng.standard_normal((7, 3)), rng.standard_normal(7)
    D = np.asarray(enumerate_patterns(X), dtype=np.float64)
    expected = linprog(np.ones(2 * D.shape[1]), A_eq=np.hstack([D, -D]), b_eq=f).fun
    norm = variation_norm(X, f, 0)
    assert norm.value == pytest.approx(expected, rel=1e-8)
    assert norm.lower_bound == pytest.approx(expected, rel=1e-8)


def test_values_of_squared_units_in_closed_form():
    # On +-I, (v_i)_+^2 at e_i and (-v_i)_+^2 at -e_i: with f >= 0, sum_i f_i / 1 where all lie on one simplex.
    X, f = np.vstack([np.eye(3), -np.eye(3)]), np.array([1.0, 2.0, 0.5, 0.0, 0.0, 0.0])
    norm = variation_norm(X, f, 2)
    # lam = 1 on the first rows: sum (v_i)_+^2 <= 1, so the norm is at least sum f; one neuron, sqrt(f), attains it.
    assert norm.value == pytest.approx(3.5, rel=1e-6)
    assert norm.lower_bound == pytest.approx(3.5, rel=1e-6)


@settings(max_examples=10)
@given(st.integers(0, 10_000), st.sampled_from([0, 1, 2]))
def test_it_is_a_norm_below_the_bound_of_any_network(seed, degree):
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.standard_normal(6), np.ones(6)])
    V = rng.standard_normal((2, 3))
    V /= np.linalg.norm(V, axis=0)
    f = UnitNetwork(V, rng.standard_normal(3), degree)
    g = UnitNetwork(V[:, ::-1], rng.standard_normal(3), degree)
    norms = [variation_norm(X, h, degree) for h in (f.predict(X), g.predict(X), f.predict(X) + g.predict(X))]
    slack = 1 + 1e-5
    assert norms[0].lower_bound <= f.total_variation * slack
    assert norms[2].lower_bound <= (norms[0].value + norms[1].value) * slack
    scaled = variation_norm(X, -3.0 * f.predict(X), degree)
    assert scaled.value == pytest.approx(3.0 * norms[0].value, rel=1e-5)


def test_values_out_of_reach_have_an_infinite_norm():
    # Two rows in one direction: values must be in proportion (k = 1, 2), or equal (k = 0).
    X = [[1.0, 1.0], [2.0, 2.0], [0.0, 1.0]]
    for degree in (0, 1, 2):
        with pytest.raises(HypothesisError, match="infinite"):
            variation_norm(X, [1.0, 5.0, 0.0], degree)
    # (z)_+ - (-z)_+ = z: the odd part of values on opposite rows must be linear.
    hexagon = [[np.cos(a), np.sin(a)] for a in np.arange(6) * np.pi / 3]
    with pytest.raises(HypothesisError, match="infinite"):
        variation_norm(hexagon, [1.0, -1.0, 1.0, -1.0, 1.0, -1.0])
    with pytest.raises(HypothesisError, match="infinite"):
        variation_norm([[0.0, 0.0], [1.0, 0.0]], [1.0, 0.0])


@pytest.mark.parametrize("degree", [0, 1, 2])
@pytest.mark.parametrize("length", [1.0 + 1e-8, 2.0, 3.0, 1e-3, 1e100])
def test_rows_of_one_direction_with_two_values_are_named(degree, length):
    x = np.random.default_rng(0).standard_normal((6, 2))
    f = np.maximum(x @ [1.0, 0.5], 0.0)
    with pytest.raises(HypothesisError, match=r"infinite; rows 0 and 6 of X .* one direction"):
        variation_norm(np.vstack([x, length * x[0]]), np.append(f, length**degree * (f[0] + 1.0)), degree)
    # With the value of a network nothing is lost: that of steps is the sum of their jumps as without the row.
    one = variation_norm(np.vstack([x, length * x[0]]), np.append(f, length**degree * f[0]), degree)
    assert one.value == pytest.approx(variation_norm(x, f, degree).value, rel=1e-6)


@pytest.mark.parametrize("distance", [1e-16, 3e-16, 1e-15, 3e-15, 1e-14, 1e-12, 1e-8])
def test_steps_tell_rows_apart_or_say_that_rounding_does_not(distance):
    # Values 0, 1 at rows whose directions are so far apart take one step between them: of norm 1, the least there is.
    refused = (
        contextlib.nullcontext() if distance > 1e-13 else contextlib.suppress(HypothesisError, PrecisionError)
    )
    for seed in range(10):
        x, v = np.random.default_rng(seed).standard_normal((2, 2))
        with refused:
            norm = variation_norm([x, 3.7 * (x + distance * v)], [0.0, 1.0], "step")
            assert norm.misfit <= 1e-9
            assert norm.value == pytest.approx(1.0, abs=1e-9)


def test_zero_rows_take_one_value_with_steps():
    with pytest.raises(HypothesisError, match=r"rows 1 and 2 of X .* are zero, .* values are 1 and 2"):
        variation_norm([[1.0], [0.0], [0.0]], [1.0, 1.0, 2.0], "step")
    assert variation_norm([[1.0], [0.0], [0.0]], [1.0, 1.0, 1.0], "step").value == pytest.approx(1.0)


def test_zero_and_bad_input():
    norm = variation_norm(np.eye(2), [0.0, 0.0])
    assert (norm.value, norm.network.n_neurons) == (0.0, 0)
    with pytest.raises(ValueError, match="values must have one entry"):
        variation_norm(np.eye(2), [1.0])
    with pytest.raises(ValueError, match="max_rounds"):
        variation_norm(np.eye(2), [1.0, 2.0], max_rounds=0)
    with pytest.raises(ValueError, match="oracle_seconds"):
        variation_norm(np.eye(2), [1.0, 2.0], oracle_seconds=-1)
    with pytest.raises(ValueError, match="max_seconds"):
        variation_norm(np.eye(2), [1.0, 2.0], max_seconds="a")
    with pytest.raises(ValueError, match="network must be"):
        variation_norm_bound("x")


def test_norms_too_large_for_rounding_are_named():
    # Values (1, 0, .5) at (1, 0), (1, e), (0, 1) take weights of size 1 / e.
    def at(e):
        return variation_norm([[1.0, 0.0], [1.0, e], [0.0, 1.0]], [1.0, 0.0, 0.5])

    assert at(1e-6).value == pytest.approx(1e6, rel=1e-5)
    with pytest.raises(ArithmeticError, match="ill-conditioned"):
        at(1e-8)
    with pytest.raises(HypothesisError, match="infinite, or above about 1e9 times their size"):
        at(1e-9)


def test_a_search_stops_where_it_finds_nothing_more():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((6, 2))
    f = np.maximum(X[:, 0], 0.0) + np.abs(X[:, 1])
    searched, exact = variation_norm(X, f, oracle_seconds=0), variation_norm(X, f)
    assert (searched.status.name, exact.status.name) == ("NO_DESCENT", "PROVEN")
    assert searched.rounds < 50
    assert searched.value == pytest.approx(exact.value, rel=1e-5)  # found, to tol, and not proved
    assert searched.lower_bound <= exact.lower_bound * (1 + 1e-6)
    assert "NO_DESCENT" in repr(searched)


def test_a_tolerance_of_zero_ends_in_rounding():
    X = np.column_stack([np.linspace(-1.0, 1.0, 8), np.ones(8)])
    norm = variation_norm(X, np.abs(X[:, 0]) - 0.3, tol=0.0)
    assert norm.status.name in ("PROVEN", "ROUNDING")
    assert norm.duality.holds


def test_fewer_rounds_leave_a_bracket():
    rng = np.random.default_rng(0)
    X, f = np.column_stack([rng.standard_normal(10), np.ones(10)]), rng.standard_normal(10)
    rough, fine = variation_norm(X, f, max_rounds=2), variation_norm(X, f)
    assert rough.lower_bound <= fine.value
    assert rough.value >= fine.lower_bound
    assert rough.value - rough.lower_bound > fine.value - fine.lower_bound
    assert rough.status.name == "MAX_ROUNDS"


def test_interrupts_and_time_limits_return_the_best_so_far(monkeypatch):
    rng = np.random.default_rng(0)
    X, f = np.column_stack([rng.standard_normal(10), np.ones(10)]), rng.standard_normal(10)
    fine = variation_norm(X, f)
    calls, maximise, stop = [], ReLUOracle.maximise, [np.inf]

    def interrupted(self, lam, *, starts=None):
        calls.append(lam)
        if len(calls) == stop[0]:
            raise KeyboardInterrupt
        return maximise(self, lam, starts=starts)

    monkeypatch.setattr(ReLUOracle, "maximise", interrupted)
    variation_norm(X, f)
    stop[0] = len(calls)  # the last call of all
    calls.clear()
    late = variation_norm(X, f)
    assert late.status.name == "INTERRUPTED"
    assert late.lower_bound <= fine.value
    assert fine.lower_bound <= late.value < np.inf
    assert late.misfit < 1e-8
    calls.clear()
    stop[0] = 2  # before any network takes the values
    early = variation_norm(X, f)
    assert (early.status.name, early.value, early.rounds) == ("INTERRUPTED", np.inf, 0)
    assert 0 < early.lower_bound <= fine.value
    # the first answer's neurons alone do not take the values, and no clock is fast enough for more
    stop[0] = np.inf
    limited = variation_norm(X, f, max_seconds=0.0)
    assert (limited.status.name, limited.value) == ("MAX_SECONDS", np.inf)
    assert limited.misfit > 1e-3
    reads = []
    monkeypatch.setattr(Deadline, "is_over", property(lambda clock: reads.append(0)))
    whole = variation_norm(X, f)
    spanning = len(reads) - whole.rounds + 1  # the last round does not look at the clock
    ticks = itertools.count()
    monkeypatch.setattr(Deadline, "is_over", property(lambda clock: next(ticks) == clock.max_seconds))
    later = variation_norm(X, f, max_seconds=spanning)
    assert (later.status.name, later.rounds) == ("MAX_SECONDS", 1)
    assert later.lower_bound <= fine.value
    assert fine.lower_bound <= later.value < np.inf
