"""The oracle of threshold units against all patterns."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn.function_spaces.conditional_gradient.method import ConditionalGradient
from cvxnn.function_spaces.oracles.threshold_oracle import ThresholdOracle
from cvxnn.function_spaces.unit_norm.unit_networks import UnitNetwork
from cvxnn.function_spaces.variation.norms import variation_norm
from cvxnn.patterns import enumerate_patterns


@given(st.integers(0, 10_000), st.sampled_from([2, 3]))
def test_both_sides_are_the_extremes_over_all_patterns(seed, d):
    rng = np.random.default_rng(seed)
    X, lam = rng.standard_normal((9, d)), rng.standard_normal(9)
    sums = lam @ np.asarray(enumerate_patterns(X), dtype=np.float64)
    above, below = ThresholdOracle(X).sides(lam)
    assert above.value == pytest.approx(np.max(sums), abs=1e-12)
    assert -below.value == pytest.approx(np.min(sums), abs=1e-12)
    for split in (above, below):
        # The weight on the wrong side, counted sample by sample.
        wrong = (X @ split.direction >= 0) != (split.sign * lam > 0)
        assert split.error == pytest.approx(np.sum(np.abs(lam[wrong])), abs=1e-12)


def test_labels_that_a_hyperplane_separates_have_no_error():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 3))
    lam = np.where(X @ [1.0, -2.0, 0.5] > 0, 1.0, -1.0) * rng.uniform(0.5, 2.0, 30)
    above, below = ThresholdOracle(X).sides(lam)
    assert above.error == pytest.approx(0.0, abs=1e-12)
    assert below.error == pytest.approx(0.0, abs=1e-12)  # the opposite hyperplane


def test_ties_and_zero_rows_are_active():
    # (1, 0) and (-1, 0) are both active only on the hyperplane through them, which no open cell is.
    X = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]])
    oracle = ThresholdOracle(X)
    found = oracle.maximise(np.array([1.0, 1.0, 0.0]))
    assert found.value == 2.0
    assert found.is_exact
    assert oracle.maximise(np.array([1.0, -1.0, 5.0])).value == 6.0


def every_face(X):
    """Return an integer vector in each face of the hyperplanes of integer rows: sums of up to d extreme rays."""
    d = X.shape[1]
    if d == 2:
        rays = np.array([[q, -p] for p, q in X])
    else:
        rays = np.array([np.cross(a, b) for a, b in combinations(X, 2)])
    rays = np.unique(np.concatenate([rays, -rays]), axis=0)
    sums = [sum(chosen) for k in range(1, d + 1) for chosen in combinations(rays, k)]
    return np.array([v for v in sums if np.any(v)]).T


@given(st.integers(0, 10_000), st.sampled_from([2, 3]), st.booleans(), st.sampled_from([1, 3]))
@settings(max_examples=40)
def test_on_integer_grids_the_bracket_holds_with_exact_ties(seed, d, bias, size):
    rng = np.random.default_rng(seed)
    X = rng.integers(-size, size + 1, (5, d))
    if bias:
        X[:, -1] = 1
    if np.linalg.matrix_rank(X) < d:
        return
    lam = rng.integers(-4, 5, 5) + 0.25 * rng.standard_normal(5)
    maximum = np.max(np.abs(lam @ (X @ every_face(X) >= 0)))
    found = ThresholdOracle(X.astype(float)).maximise(lam)
    assert found.value <= maximum + 1e-12
    assert maximum <= found.upper
    if bias or d == 2:
        assert found.is_exact
    if found.is_exact:
        assert found.value == pytest.approx(maximum, abs=1e-12)


@pytest.mark.parametrize(
    ("offset", "spacing"), [(1e5, 1.0), (1e4, 1e-3), (1e4, 1e-2), (1e9, 1.0), (1.7e9, 60.0), (-1e9, 1.0)]
)
def test_an_offset_hides_no_split(offset, spacing):
    x = offset + spacing * np.arange(8.0)
    X, y = np.column_stack([x, np.ones(8)]), np.repeat([1.0, 0.0], [3, 5])
    run = ConditionalGradient(1.0, "fully_corrective", 0).run(X, y)
    assert (run.status.name, run.objective) == ("PROVEN", 0.0)
    assert variation_norm(X, y, 0).value == pytest.approx(1.0)


@pytest.mark.parametrize("thin", [1e-13, 1e-10, 1e-100])
def test_rows_that_look_parallel_give_no_false_proof(thin):
    X = np.array([[1.0, 0, 0], [1.0, thin, 0], [0, 1.0, 0], [0, 0, 1.0], [1.0, 1.0, 1.0]])
    # the split (1, -2/thin) parts the first two rows
    v = np.array([1.0, -2.0 / thin, 0.0]) / np.linalg.norm([1.0, 2.0 / thin])
    y = UnitNetwork(v[:, None], [1.0], 0).predict(X)
    run = ConditionalGradient(1.0, "fully_corrective", 0).run(X, y)
    assert y.tolist()[:2] == [1.0, 0.0]
    assert run.lower_bound <= 1e-12


def test_ties_of_opposite_rows_are_found():
    X = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    run = ConditionalGradient(1.0, "fully_corrective", 0).run(X, [1.0, 1.0, 1.0, 0.0])
    assert (run.status.name, run.objective) == ("PROVEN", 0.0)


def test_rank_by_rounding_is_no_proof():
    # rank 2 in exact numbers is proved; of a product of floats the exact rank is larger, and is bounded for it
    rng = np.random.default_rng(0)
    A, B, lam = rng.integers(-9, 10, (9, 2)), rng.integers(-9, 10, (2, 5)), rng.standard_normal(9)
    assert ThresholdOracle((A @ B).astype(float)).maximise(lam).is_exact
    found = ThresholdOracle((A * 0.1) @ (B * 0.7)).maximise(lam)
    assert found.upper == pytest.approx(max(np.sum(lam[lam > 0]), -np.sum(lam[lam < 0])))


def test_bad_duals_are_named():
    oracle = ThresholdOracle(np.eye(2))
    for lam in ([1.0], [np.nan, 1.0], [[1.0, 2.0]]):
        with pytest.raises(ValueError, match="lam"):
            oracle.maximise(lam)
        with pytest.raises(ValueError, match="lam"):
            oracle.sides(lam)
    assert oracle.maximise([1.0, 2.0]).value == 3.0


def test_the_search_bound_is_the_weight_of_one_sign():
    X = np.random.default_rng(1).standard_normal((40, 6))
    lam = np.random.default_rng(2).standard_normal(40)
    found = ThresholdOracle(X, max_seconds=0.0).maximise(lam)
    assert found.upper == pytest.approx(max(np.sum(lam[lam > 0]), -np.sum(lam[lam < 0])), rel=1e-10)
    given_start = ThresholdOracle(X, max_seconds=0.0).maximise(lam, starts=found.directions[:, :1])
    assert given_start.value >= found.value  # starts are candidates themselves


@pytest.mark.parametrize(("n", "d"), [(6, 2), (6, 3), (40, 8)])
def test_the_size_of_rows_does_not_matter(n, d):
    rng = np.random.default_rng(0)
    X, lam = rng.standard_normal((n, d)), rng.standard_normal(n)
    plain = ThresholdOracle(X).maximise(lam)
    # powers of two change no digit
    for scale in (2.0**900, 2.0**-900, 2.0 ** rng.integers(-900, 900, (n, 1))):
        scaled = ThresholdOracle(scale * X).maximise(lam)
        assert (scaled.value, scaled.upper) == pytest.approx((plain.value, plain.upper), rel=1e-12)
