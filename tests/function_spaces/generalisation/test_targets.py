"""Structured targets: what they are equal to, their moments, and networks that represent them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from cvxnn import ReLUNetwork
from cvxnn.function_spaces.generalisation.targets import (
    AdditiveTarget,
    AffineTarget,
    ProjectionPursuitTarget,
    SubspaceTarget,
    as_unit_columns,
    moments_of_bend,
    orthonormal,
    sum_of_bends,
)


def test_random_directions_are_orthonormal_and_uniform():
    rng = np.random.RandomState(0)
    frames = np.array([orthonormal(3, 2, rng) for _ in range(4000)])
    np.testing.assert_allclose(
        frames.transpose(0, 2, 1) @ frames, np.broadcast_to(np.eye(2), (4000, 2, 2)), atol=1e-14
    )
    # uniform on the sphere: mean 0 and second moments 1/3; four standard errors are 0.04 and 0.02
    np.testing.assert_allclose(frames.mean(axis=0), 0.0, atol=0.04)
    np.testing.assert_allclose(np.mean(frames**2, axis=0), 1 / 3, atol=0.02)


def test_wrong_lengths_are_named():
    with pytest.raises(ValueError, match="columns of length 1; found lengths up to 2"):
        as_unit_columns([[2.0, 1.0]])
    with pytest.raises(ValueError, match="at most 1 directions are orthonormal in 1 dimensions; got 2"):
        orthonormal(1, 2, np.random.RandomState(0))


@pytest.mark.parametrize("kink", [-3.0, 0.0, 0.4, 5.0])
def test_moments_are_the_integrals(kink):
    def moment(power):
        parts = [
            quad(lambda t: abs(t - kink) ** power * norm.pdf(t), *ends) for ends in ((-12, kink), (kink, 12))
        ]
        return sum(part[0] for part in parts)

    mean, std = moments_of_bend(np.array([kink]))
    # the precision that the quadrature asks for
    assert mean[0] == pytest.approx(moment(1), abs=1e-7)
    assert std[0] ** 2 == pytest.approx(moment(2) - moment(1) ** 2, abs=1e-6)


def test_a_bend_bends_at_its_kink():
    t = np.array([[0.0], [1.0], [2.0], [3.0], [4.0]])
    values = sum_of_bends(t, np.array([2.0]), np.array([2.0]))
    assert values.argmin() == 2
    np.testing.assert_allclose(np.diff(values, 2), [0.0, 2 * np.diff(values)[-1], 0.0], atol=1e-12)


FAMILIES = [AffineTarget, AdditiveTarget, ProjectionPursuitTarget, SubspaceTarget]
WITH_NETWORK = FAMILIES[:3]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("d", [2, 5, 30])
def test_random_targets_have_variance_one_in_every_dimension(family, d):
    target = family.random(d, random_state=0)
    f = target(np.random.default_rng(1).standard_normal((40_000, d)))
    mean = target.offset if family is AffineTarget else 0.0
    # four standard errors of a mean are 0.02, and of a variance of these tails below 0.06
    assert f.mean() == pytest.approx(mean, abs=0.02)
    assert f.var() == pytest.approx(1.0, abs=0.06)


@settings(max_examples=20, deadline=None)
@given(
    family=st.sampled_from(WITH_NETWORK),
    d=st.integers(2, 6),
    bias=st.sampled_from([0.1, 1.0, 30.0]),
    seed=st.integers(0, 10**6),
)
def test_networks_are_the_targets(family, d, bias, seed):
    target = family.random(d, random_state=seed)
    X = np.random.default_rng(seed).standard_normal((20, d))
    network = target.network(bias)
    features = np.hstack([X, np.full((20, 1), bias)])
    # rounding of sums of some ten numbers of size ten
    np.testing.assert_allclose(network.predict(features), target(X), atol=1e-11)
    assert target.variation(bias) == network.path_norm


@pytest.mark.parametrize("bias", [1.0, 3.0])
def test_the_length_on_a_plane_is_a_ring_of_neurons(bias):
    # f = (||z|| - mean) / std: a ring of m neurons has the mass that `variation` counts, and tends to f like m^-2
    target = SubspaceTarget(np.eye(3)[:, :2])
    mean, std = np.sqrt(np.pi / 2), np.sqrt(2 - np.pi / 2)
    m = 2000
    angles = 2 * np.pi * np.arange(m) / m
    hidden = np.vstack([np.cos(angles), np.sin(angles), np.zeros((2, m))])
    hidden = np.column_stack([hidden, [0.0, 0.0, 0.0, 1.0]])
    ring = ReLUNetwork(hidden, np.append(np.full(m, np.pi / m / std), -mean / std / bias))
    X = np.random.default_rng(0).standard_normal((50, 3))
    features = np.hstack([X, np.full((50, 1), bias)])
    np.testing.assert_allclose(ring.predict(features), target(X), atol=1e-4)
    assert target.variation(bias) == pytest.approx(ring.path_norm, rel=1e-12)


def test_variation_is_free_of_d_but_for_additive_targets():
    for family in (ProjectionPursuitTarget, SubspaceTarget):
        sizes = [max(family.random(d, random_state=s).variation() for s in range(20)) for d in (2, 100)]
        assert sizes[1] < 1.5 * sizes[0]
    # a sum of d bends of weight d^(-1/2): 4 times as much with 16 times the features, up to the random kinks
    sizes = [AdditiveTarget.random(d, random_state=0).variation() for d in (25, 400)]
    assert 3 < sizes[1] / sizes[0] < 5


def test_projection_pursuit_along_the_axes_is_additive():
    additive = AdditiveTarget([0.5, -2.0], [0.3, -0.7])
    pursuit = ProjectionPursuitTarget(np.eye(2), [0.5, -2.0], [0.3, -0.7])
    X = np.random.default_rng(0).standard_normal((10, 2))
    np.testing.assert_array_equal(additive(X), pursuit(X))


def test_a_subspace_target_ignores_other_directions():
    target = SubspaceTarget.random(6, n_directions=2, random_state=3)
    X = np.random.default_rng(0).standard_normal((10, 6))
    inside = X @ target.directions @ target.directions.T
    np.testing.assert_allclose(target(X), target(inside), atol=1e-12)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_seed_decides(family):
    X = np.random.default_rng(0).standard_normal((5, 4))
    first, again, other = (family.random(4, random_state=seed)(X) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AffineTarget([np.nan]), "weights must be finite"),
        (lambda: AffineTarget([[1.0]]), "weights must be 1-D"),
        (lambda: AffineTarget([1.0])(np.ones((2, 3))), "X must have 1 columns; got 3"),
        (lambda: AffineTarget([1.0]).variation(0.0), "bias must be a finite number > 0"),
        (lambda: AffineTarget.random(0), "n_features must be an integer >= 1"),
        (lambda: AdditiveTarget([1.0, 2.0], [0.0]), "kinks must have one entry for each of the 2"),
        (lambda: ProjectionPursuitTarget([[2.0]], [1.0], [0.0]), "directions must be columns of length 1"),
        (lambda: ProjectionPursuitTarget(np.eye(2), [1.0], [0.0]), "coefficients must have one entry"),
        (lambda: ProjectionPursuitTarget.random(2, n_terms=3), "at most 2 directions are orthonormal"),
        (lambda: SubspaceTarget([[1.0, 0.6], [0.0, 0.8]]), "directions must be orthonormal"),
    ],
)
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
