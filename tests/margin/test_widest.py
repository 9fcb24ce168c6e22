"""The network of largest margin: its duality, its optimality conditions, and what it must agree with."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn import Problem, enumerate_patterns, train
from cvxnn.deadlines import Deadline
from cvxnn.margin import columns
from cvxnn.margin.dual_constraint import DualConstraint
from cvxnn.margin.widest import max_margin
from cvxnn.programs import MaxMarginProgram
from cvxnn.testing import samplers
from cvxnn.training import descend

from .labelled import random_data

seeds = st.integers(0, 2**32 - 1)
shapes = st.sampled_from([(4, 2), (7, 2), (6, 3), (9, 3)])
# Relative gaps after Newton's method are some 1e-12; without it the interior point leaves 1e-8.
GAP = 1e-7


@settings(max_examples=30)
@given(seed=seeds, shape=shapes)
def test_strong_duality_and_neurons_in_the_argmax(seed, shape):
    X, y = random_data(seed, *shape)
    best = max_margin(X, y)
    assert -1e-9 <= best.relative_gap <= GAP
    assert best.strong_duality.holds
    assert best.attainment.holds
    margins = y * best.network.predict(X)
    assert np.min(margins) == pytest.approx(1.0, abs=1e-12)
    assert best.network.n_neurons <= len(y)
    # Complementary slackness: sum lam_i (margin_i - 1) is part of the gap.
    assert best.multipliers @ (margins - 1.0) <= GAP * best.value
    assert np.all(best.multipliers >= 0)


@settings(max_examples=6)
@given(seed=seeds, shape=shapes)
def test_column_generation_finds_the_optimum_over_all_cells(seed, shape):
    X, y = random_data(seed, *shape)
    cells, columns = max_margin(X, y, method="cells"), max_margin(X, y, method="columns")
    assert columns.value == pytest.approx(cells.value, rel=GAP)
    assert columns.relative_gap <= GAP
    assert (cells.method, columns.method) == ("all cells", "column generation")


@settings(max_examples=6)
@given(seed=seeds, power=st.sampled_from([-8, 8]))
def test_scaling_of_data_and_swap_of_labels(seed, power):
    """``f(cx) = c f(x)``: the value scales by 1/c; opposite labels have the opposite network."""
    X, y = random_data(seed, 5, 2)
    value = max_margin(X, y).value
    assert max_margin(10.0**power * X, y).value * 10.0**power == pytest.approx(value, rel=GAP)
    assert max_margin(X, -y).value == pytest.approx(value, rel=GAP)
    assert max_margin(X[::-1], y[::-1]).value == pytest.approx(value, rel=GAP)


@settings(max_examples=10)
@given(seed=seeds)
def test_more_samples_cannot_lower_the_value_and_duplicates_do_not_change_it(seed):
    X, y = random_data(seed, 6, 2)
    value = max_margin(X, y).value
    assert max_margin(X[:4], y[:4]).value <= value * (1 + GAP)
    assert max_margin(np.r_[X, 2.0 * X[:1]], np.r_[y, y[:1]]).value == pytest.approx(value, rel=GAP)


@pytest.mark.parametrize("sampler", [samplers.off_origin, samplers.rank_deficient, samplers.with_bias_column])
def test_on_other_kinds_of_data(sampler, rng):
    X, y = sampler(rng, 7, 3), rng.choice([-1.0, 1.0], 7)
    assert max_margin(X, y).relative_gap <= GAP


def test_more_features_than_samples(rng):
    """n < d: every pattern is there; interior optimum with all margins tight is checked by the gap."""
    best = max_margin(rng.standard_normal((4, 7)), [1.0, 1.0, -1.0, -1.0])
    assert best.relative_gap <= GAP


def test_training_on_the_hinge_loss_reaches_it():
    """The engine's own way: an exact penalty from ``beta = 1 / max lam`` on."""
    X, y = random_data(1, 6, 2)
    best = max_margin(X, y)
    beta = 0.5 / float(np.max(best.multipliers))
    result = train(Problem(X, y, beta, "hinge"), tol=1e-4)
    assert result.certificate.objective / beta == pytest.approx(best.value, rel=2e-4)


def test_multipliers_from_a_gap_are_a_bound_at_any_scale():
    X, y = random_data(2, 6, 2)
    best, constraint = max_margin(X, y), DualConstraint(X)
    rng = np.random.default_rng(0)
    for _ in range(20):
        lam = best.multipliers * rng.uniform(0.5, 1.5, 6)
        assert constraint.lower_bound(y, lam) <= best.value * (1 + 1e-12)
    # Planted fault: dividing by what some direction attains instead of the proven maximum overshoots.
    q = y * (best.multipliers * rng.uniform(0.5, 1.5, 6))
    attained = abs(float(q @ np.maximum(X @ np.array([1.0, 0.0]), 0.0)))
    assert np.sum(np.abs(q)) / attained > best.value


def test_by_search_where_no_exact_oracle_is_affordable():
    """Rank 8, 40 rows: the network is found, and its bound is the relaxation's."""
    X, y = random_data(5, 40, 8)
    best = max_margin(X, y)
    assert not best.dual_norm.is_exact
    assert best.dual_norm.value <= 1 + 1e-6
    assert 0 < best.lower_bound < best.value


def test_closed_forms():
    """One sample: ``1 / ||x||``. Two on one line, opposite: one neuron each."""
    assert max_margin([[3.0, 4.0]], [1.0]).value == pytest.approx(0.2, rel=1e-12)
    both = max_margin([[2.0], [-4.0]], [1.0, -1.0])
    assert both.value == pytest.approx(0.75, rel=1e-12)
    assert both.margin == pytest.approx(1 / 0.75, rel=1e-12)


def test_what_is_refused():
    with pytest.raises(ValueError, match="method must be one of"):
        max_margin(np.eye(2), [1.0, -1.0], method="all")
    with pytest.raises(ValueError, match="max_rounds must be"):
        max_margin(np.eye(2), [1.0, -1.0], max_rounds=0)
    with pytest.raises(ValueError, match="y must have one output"):
        max_margin(np.eye(2), [[1.0, 1.0], [-1.0, 1.0]])
    with pytest.raises(ValueError, match="y must hold"):
        max_margin(np.eye(2), [1.0, 2.0])


def test_a_time_limit_refuses_with_the_size_or_returns_what_there_is():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((40, 60)), np.where(rng.standard_normal(40) > 0, 1.0, -1.0)
    with pytest.raises(ValueError, match=r"max_seconds must be long enough for a program of [\d,]+ weights"):
        max_margin(X, y, max_seconds=1e-3)
    small = max_margin(X[:12, :3], y[:12], method="columns", max_seconds=60.0)
    assert small.relative_gap <= 1e-6


def test_of_more_features_than_samples_only_the_row_space_counts():
    X, y = random_data(1, 6, 4)
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((40, 4)))[0].T
    wide, narrow = max_margin(X @ turn, y), max_margin(X, y)
    assert wide.value == pytest.approx(narrow.value, rel=GAP)
    assert wide.relative_gap <= GAP
    assert wide.network.hidden.shape[0] == wide.dual_norm.directions.shape[0] == 40
    assert np.min(y * wide.network.predict(X @ turn)) == pytest.approx(1.0, abs=1e-12)


def test_the_first_descent_and_the_last_digits_end_with_the_time(monkeypatch):
    X, y = random_data(0, 12, 3)
    limits = []

    def watched(problem, network, *, max_seconds):
        limits.append(max_seconds)
        return descend(problem, network, max_seconds=max_seconds)

    monkeypatch.setattr(columns, "descend", watched)
    best = max_margin(X, y, method="columns", max_seconds=20.0)
    assert 0.0 < limits[0] <= 10.0
    max_margin(X, y, method="columns", max_seconds=None)
    assert limits[1] is None
    solution = columns.solve_blocks(MaxMarginProgram(X, y, enumerate_patterns(X)))
    coarse, lam = columns.basic_network(solution, Deadline(0.0))
    np.testing.assert_array_equal(lam, solution.lam)
    # The interior point's error.
    assert coarse.weight_decay == pytest.approx(best.value, rel=1e-6)
