"""Orthogonally separable data: the closed structure, and the proposition on covering neurons."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn import ReLUNetwork
from cvxnn.margin.kkt_points import kkt
from cvxnn.margin.orthogonal import covering_neurons, is_orthogonally_separable, orthogonal_optimum
from cvxnn.theorems import HypothesisError

from .labelled import orthogonally_separable, random_data

seeds = st.integers(0, 2**32 - 1)
shapes = st.sampled_from([(4, 2), (7, 2), (6, 3), (5, 6)])


@settings(max_examples=25)
@given(seed=seeds, shape=shapes)
def test_the_closed_structure_is_the_optimum(seed, shape):
    X, y = orthogonally_separable(seed, *shape)
    assert is_orthogonally_separable(X, y)
    found = orthogonal_optimum(X, y)
    assert found.value.holds
    assert found.dual_norm.holds
    margins = y * found.network.predict(X)
    assert np.min(margins) >= 1 - 1e-9
    assert found.network.n_neurons == 2
    assert found.network.weight_decay == pytest.approx(found.value.predicted, rel=1e-12)
    assert np.sum(found.multipliers) == pytest.approx(found.value.predicted, rel=1e-9)


@settings(max_examples=15)
@given(seed=seeds, shape=shapes)
def test_covering_neurons_make_a_kkt_point_global(seed, shape):
    """The optimum with its neurons split, which keeps it a KKT point."""
    X, y = orthogonally_separable(seed, *shape)
    best = orthogonal_optimum(X, y).network
    share = np.sqrt(np.random.default_rng(seed).uniform(0.1, 0.9))
    parts = np.r_[share, share, np.sqrt(1 - share**2), np.sqrt(1 - share**2)]
    split = ReLUNetwork(np.tile(best.hidden, 2) * parts, np.tile(best.output, 2) * parts)
    checked = covering_neurons(X, y, split)
    assert checked.dual_norm.holds
    assert checked.value.holds
    assert checked.point.is_global
    assert len(checked.covering) == 2


def test_the_hypotheses_are_named():
    X, y = orthogonally_separable(0, 5, 2)
    best = orthogonal_optimum(X, y).network
    with pytest.raises(HypothesisError, match="<= 0 between classes; rows 0 and"):
        orthogonal_optimum(np.abs(X), y)
    with pytest.raises(HypothesisError, match="> 0 within a class; rows 0 and"):
        orthogonal_optimum(X, np.ones(5))
    with pytest.raises(HypothesisError, match="must be a KKT point"):
        covering_neurons(X, y, ReLUNetwork(best.hidden + 0.1, best.output))
    with pytest.raises(HypothesisError, match="must separate the data"):
        covering_neurons(X, y, ReLUNetwork(best.hidden, -best.output))


def test_outside_the_hypotheses_the_conclusion_fails():
    """Two rows of one class at an obtuse angle, a neuron for each: stationary, and one for both costs less."""
    X, y = np.array([[1.0, 0.0], [-0.3, 1.0]]), np.ones(2)
    norms = np.linalg.norm(X, axis=1)
    each = ReLUNetwork((X / norms[:, None] ** 1.5).T, 1.0 / np.sqrt(norms))
    point = kkt(X, y, each)
    assert point.is_kkt
    assert not point.is_global
    assert point.value > 1.05 * kkt(X, y, ReLUNetwork([[1.0], [1.3]], [1.0]).balance()).value
    with pytest.raises(HypothesisError, match="> 0 within a class"):
        covering_neurons(X, y, each)


def test_random_data_is_not_orthogonally_separable():
    """Planted fault: a test that looks at the classes only would accept these."""
    assert sum(is_orthogonally_separable(*random_data(seed, 6, 2)) for seed in range(50)) <= 2
