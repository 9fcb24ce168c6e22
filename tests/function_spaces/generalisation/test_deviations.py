"""Deviations of a sample's risk over the ball: brackets against brute force."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn.function_spaces.generalisation.deviations import (
    deviation,
    deviation_found,
    largest_deviation,
    largest_pair,
)
from cvxnn.function_spaces.oracles.neuron_oracles import neuron_oracle
from cvxnn.patterns import enumerate_patterns


def weights(rng, n):
    shares = rng.integers(0, 4, n).astype(float)
    shares[0] += 1
    return shares / shares.sum() - 1 / n


def brackets(X, w, y, delta):
    oracle, patterns = neuron_oracle(X), enumerate_patterns(X)
    return (
        deviation_found(X, w, y, delta, oracle, patterns),
        largest_deviation(X, w, y, delta, oracle, patterns),
    )


def line(seed):
    """Return a problem on the line, and ``sup |J_n - J|`` on a grid: f = t (x)_+ + s (-x)_+ with |t| + |s| <= delta."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 8))
    X, y, w, delta = rng.standard_normal((n, 1)), rng.standard_normal(n), weights(rng, n), rng.uniform(0.1, 5)
    t, s = np.meshgrid(*[np.linspace(-delta, delta, 101)] * 2)
    inside = np.abs(t) + np.abs(s) <= delta
    f = np.maximum(X, 0) * t[inside] + np.maximum(-X, 0) * s[inside]
    return (X, w, y, delta), np.max(np.abs(0.5 * (w @ (f - y[:, None]) ** 2)))


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6))
def test_on_the_line_nothing_is_above_the_proven_bound(seed):
    problem, brute = line(seed)
    low, up = brackets(*problem)
    # rounding of sums of n numbers of size delta^2
    assert max(brute, low) <= up * (1 + 1e-9) + 1e-12


def test_on_the_line_the_ascent_finds_the_supremum():
    # An ascent may end at a local maximum that is not the largest: not a law, so on fixed examples. A grid's spacing
    # is delta / 50.
    for seed in range(30):
        problem, brute = line(seed)
        assert brackets(*problem)[0] >= 0.99 * brute


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6))
def test_no_pair_of_atoms_is_above_the_largest(seed):
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(1, 8)), int(rng.integers(1, 4))
    X, w = rng.standard_normal((n, d)), weights(rng, n)
    U = rng.standard_normal((d, 200))
    atoms = np.maximum(X @ (U / np.linalg.norm(U, axis=0)), 0.0)
    assert np.max(np.abs(atoms.T @ (w[:, None] * atoms))) <= largest_pair(X, w, enumerate_patterns(X))


def test_a_mixture_of_atoms_can_be_the_worst():
    # W = diag(-1, 1) / 2 and atoms on the axes: single atoms have f^T W f = +-delta^2 / 2 with the linear term alone
    # on one of them; what the ascent finds must be no less than either, and than their best mixture
    X, w, y = np.eye(2), np.array([-0.5, 0.5]), np.array([3.0, -1.0])
    low, up = brackets(X, w, y, 2.0)
    mixtures = [
        deviation(w, np.array([s * t, -r * (2 - t)]), y)
        for t in np.linspace(0, 2, 21)
        for s in (-1, 1)
        for r in (-1, 1)
    ]
    assert max(np.abs(mixtures)) <= low + 1e-9
    assert low <= up
