"""The oracle as a Hausdorff distance, against all 0/1 sums of the rows."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn.margin.zonotopes import (
    Zonotope,
    dual_zonotopes,
    excess,
    hausdorff_distance,
    oracle_as_hausdorff_distance,
)
from cvxnn.testing import samplers
from cvxnn.theorems import Comparison, HypothesisError

NAMES = st.sampled_from(sorted(samplers.DATA))


def draw(name, seed):
    rng = np.random.default_rng(seed)
    X = samplers.DATA[name](rng, int(rng.integers(2, 8)), int(rng.integers(1, 4)))
    X[0, 0] = X[0, 0] if X.any() else 1.0
    return X, rng.standard_normal(len(X)), rng


def all_sums(zonotope):
    """Return every sum of a subset of the generators: the vertices and points of the zonotope."""
    k = len(zonotope.generators)
    return np.array(list(itertools.product([0.0, 1.0], repeat=k))).reshape(2**k, k) @ zonotope.generators


@given(name=NAMES, seed=st.integers(0, 10**6))
def test_the_oracle_is_a_hausdorff_distance(name, seed):
    X, lam, _ = draw(name, seed)
    result = oracle_as_hausdorff_distance(X, lam)
    assert result.holds
    # once more, without enumerating cells: the farthest of all subset sums
    positive, negative = dual_zonotopes(X, lam)
    over = max(negative.distance(point) for point in all_sums(positive))
    under = max(positive.distance(point) for point in all_sums(negative))
    size = np.abs(lam) @ np.linalg.norm(X, axis=1)
    assert over == pytest.approx(result.positive.predicted, abs=1e-9 * size)
    assert max(over, under) == pytest.approx(result.oracle.measured, abs=1e-9 * size)


@given(seed=st.integers(0, 10**6), scale=st.sampled_from([1e-8, 1e8]))
def test_it_holds_at_any_scale(seed, scale):
    X, lam, _ = draw("gaussian", seed)
    result = oracle_as_hausdorff_distance(scale * X, lam)
    assert result.holds
    assert result.oracle.measured == pytest.approx(result.oracle.predicted, rel=1e-9)


@pytest.mark.parametrize(
    "fault", ["segments only", "signs swapped in one", "distance of supports at the origin"]
)
def test_wrong_statements_are_rejected(fault):
    """Planted faults: the farthest generator, a zonotope of all rows, the difference of the farthest points."""
    rejected = 0
    for seed in range(20):
        X, lam, _ = draw("gaussian", seed)
        positive, negative = dual_zonotopes(X, lam)
        if fault == "segments only":
            ends = [positive.generators, negative.generators]
            wrong = max(np.linalg.norm(rows, axis=1).max(initial=0.0) for rows in ends)
        elif fault == "signs swapped in one":
            wrong = hausdorff_distance(positive, Zonotope(-negative.generators))
        else:
            tops = [np.linalg.norm(part.vertices(), axis=1).max() for part in (positive, negative)]
            wrong = abs(tops[0] - tops[1])
        rejected += not Comparison(oracle_as_hausdorff_distance(X, lam).oracle.measured, float(wrong)).holds
    assert rejected >= 15


@given(name=NAMES, seed=st.integers(0, 10**6))
def test_vertices_support_every_direction(name, seed):
    X, lam, rng = draw(name, seed)
    zonotope = dual_zonotopes(X, np.abs(lam))[0]
    for _ in range(5):
        u = rng.standard_normal(X.shape[1])
        assert zonotope.support(u) == pytest.approx(
            float(np.max(zonotope.vertices() @ u)), rel=1e-9, abs=1e-12
        )


@given(seed=st.integers(0, 10**6), scale=st.sampled_from([1e-8, 1.0, 1e8]))
def test_nearest_points_are_proved_by_a_supporting_plane(seed, scale):
    rng = np.random.default_rng(seed)
    zonotope = Zonotope(scale * rng.standard_normal((int(rng.integers(1, 13)), 3)))
    point = 4 * scale * rng.standard_normal(3)
    step = point - zonotope.nearest(point)
    distance = np.linalg.norm(step)
    if distance > 1e-9 * scale:
        u = step / distance
        # weak duality: u^T point - h(u) never exceeds the distance
        assert u @ point - zonotope.support(u) == pytest.approx(distance, rel=1e-8)


def test_one_sign_leaves_the_origin():
    result = oracle_as_hausdorff_distance(np.eye(3), [1.0, 2.0, 2.0])
    assert result.oracle.predicted == pytest.approx(3.0)
    assert result.negative.measured == result.negative.predicted == 0.0
    np.testing.assert_allclose(result.direction, [1 / 3, 2 / 3, 2 / 3])
    nothing = oracle_as_hausdorff_distance(np.eye(2), [0.0, 0.0])
    assert nothing.holds
    assert not nothing.direction.any()


def test_zonotopes_that_coincide_are_at_distance_zero():
    X = [[1.0, 2.0], [1.0, 2.0]]
    result = oracle_as_hausdorff_distance(X, [1.0, -1.0])
    assert result.holds
    assert result.oracle.predicted == pytest.approx(0.0, abs=1e-12)


def test_excess_is_one_sided():
    inner, outer = Zonotope([[1.0, 0.0]]), Zonotope([[1.0, 0.0], [0.0, 3.0]])
    assert excess(inner, outer).distance == pytest.approx(0.0, abs=1e-12)
    part = excess(outer, inner)
    assert part.distance == pytest.approx(3.0)
    assert part.farthest[1] == 3.0
    assert hausdorff_distance(inner, outer) == pytest.approx(3.0)


def test_bad_input_is_named():
    with pytest.raises(HypothesisError, match="exact oracle"):
        oracle_as_hausdorff_distance(np.random.default_rng(0).standard_normal((100, 20)), np.ones(100))
    with pytest.raises(ValueError, match="generators must be 2-D"):
        Zonotope([1.0, 2.0])
    with pytest.raises(ValueError, match="lam must have 2 entries"):
        dual_zonotopes(np.eye(2), [1.0])
