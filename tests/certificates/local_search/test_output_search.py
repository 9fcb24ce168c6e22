"""The search for neurons of several outputs."""

import numpy as np
import pytest

from cvxnn.certificates import search


def values_of(X, lam, U):
    return np.linalg.norm(lam.T @ np.maximum(X @ U, 0.0), axis=0)


def power_iteration(X, lam, U, steps=100):
    """Return the best value met along ``u <- X^T D(u) lam q(u) / ||.||`` from all starts."""
    best = 0.0
    for _ in range(steps):
        Z = X @ U
        products = lam.T @ np.maximum(Z, 0.0)
        lengths = np.linalg.norm(products, axis=0)
        best = max(best, float(np.max(lengths)))
        U = X.T @ ((lam @ (products / np.maximum(lengths, 1e-300))) * (Z > 0))
        U = U / np.maximum(np.linalg.norm(U, axis=0), 1e-300)
    return best


def residuals(seed, n=60, d=5, C=3):
    """Return data and residuals that are nearly orthogonal to some neurons, as late in training."""
    rng = np.random.default_rng(seed)
    X = np.c_[rng.standard_normal((n, d - 1)), np.ones(n)]
    features = np.maximum(X @ rng.standard_normal((d, n // 3)), 0.0)
    Y = rng.standard_normal((n, C))
    return X, Y - features @ np.linalg.lstsq(features, Y, rcond=None)[0]


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("n_outputs", [2, 5])
def test_on_the_circle_nothing_on_a_fine_grid_is_better(scale, n_outputs):
    angles = np.linspace(0, 2 * np.pi, 20_001)
    grid = np.stack([np.cos(angles), np.sin(angles)])
    for seed in range(4):
        X, lam = residuals(seed, n=25, d=2, C=n_outputs)
        found = search(X * scale, lam).value
        best = float(np.max(values_of(X * scale, lam, grid)))
        # the slope along the circle is at most sum ||lam_i|| ||x_i||, half a grid step is 1.6e-4
        slope = float(np.linalg.norm(lam, axis=1) @ np.linalg.norm(X * scale, axis=1))
        assert best * (1 - 1e-12) <= found <= best + 1.6e-4 * slope


def test_at_least_as_good_as_the_power_iteration():
    better = 0
    for seed in range(5):
        X, lam = residuals(seed)
        U = np.random.default_rng(seed).standard_normal((X.shape[1], 256))
        plain = power_iteration(X, lam, U / np.linalg.norm(U, axis=0))
        found = search(X, lam, starts=U).value
        assert found >= plain * (1 - 1e-9)
        better += found > plain * (1 + 1e-6)
    assert better >= 3  # kinks are where the power iteration cannot settle


@pytest.mark.parametrize("output_norm", ["l2", "l1"])
def test_result_is_attained_sorted_and_distinct(output_norm):
    X, lam = residuals(0)
    result = search(X, lam, output_norm=output_norm)
    products = (lam.T @ np.maximum(X @ result.directions, 0.0)).T
    np.testing.assert_allclose(np.sum(products * result.signs, axis=1), result.values, rtol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(result.directions, axis=0), 1.0, rtol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(result.signs, axis=1), 1.0, rtol=1e-12)
    assert np.all(np.diff(result.values) <= 0)
    assert result.value == result.values[0] > 0
    both = np.vstack([result.directions, result.signs.T])
    assert np.max(np.triu(both.T @ both, 1)) < 2.0 - 1e-6
    if output_norm == "l2":  # the best output direction of each
        np.testing.assert_allclose(np.linalg.norm(products, axis=1), result.values, rtol=1e-12)
    else:
        assert np.all(np.sum(result.signs != 0, axis=1) == 1)


def test_per_class_search_is_the_best_of_the_outputs():
    X, lam = residuals(1)
    alone = [search(X, lam[:, c]).value for c in range(3)]
    assert search(X, lam, output_norm="l1").value == pytest.approx(max(alone), rel=1e-9)


@pytest.mark.parametrize("output_norm", ["l2", "l1"])
def test_one_column_is_one_output(output_norm):
    X, lam = residuals(2, C=1)
    column, flat = search(X, lam, output_norm=output_norm), search(X, lam[:, 0])
    np.testing.assert_array_equal(column.signs, flat.signs[:, None])
    np.testing.assert_array_equal(column.directions, flat.directions)


def test_rotated_outputs_have_the_same_value():
    X, lam = residuals(3)
    rotation = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))[0]
    assert search(X, lam @ rotation).value == pytest.approx(search(X, lam).value, rel=1e-9)


def test_equal_outputs_are_one():
    X, lam = residuals(4, C=1)
    # one column repeated has the value of either sign's best, and search() looks at both signs
    assert search(X, np.repeat(lam, 4, axis=1)).value == pytest.approx(
        2 * search(X, lam[:, 0]).value, rel=1e-9
    )


def test_no_local_maximum_is_improved_by_small_steps():
    X, lam = residuals(1)
    result = search(X, lam)
    steps = np.random.default_rng(0).standard_normal((X.shape[1], 2000))
    for k in range(2):
        for size in (1e-3, 1e-4, 1e-6):
            V = result.directions[:, k, None] + size * steps
            near = float(np.max(values_of(X, lam, V / np.linalg.norm(V, axis=0))))
            assert near <= result.values[k] * (1 + 1e-12)


def test_same_seed_same_result():
    X, lam = residuals(2)
    first, second = search(X, lam, random_state=3), search(X, lam, random_state=3)
    np.testing.assert_array_equal(first.directions, second.directions)
    np.testing.assert_array_equal(first.signs, second.signs)


@pytest.mark.parametrize("output_norm", ["l2", "l1"])
def test_starts_never_lower_the_value(output_norm):
    X, lam = residuals(4)
    u = np.random.default_rng(0).standard_normal(X.shape[1])
    products = lam.T @ np.maximum(X @ u / np.linalg.norm(u), 0.0)
    value = np.linalg.norm(products, ord=2 if output_norm == "l2" else np.inf)
    assert search(X, lam, starts=u[:, None], n_random=0, output_norm=output_norm).value >= value * (1 - 1e-12)


def test_read_only_zero_and_rank_deficient_arrays():
    X = np.ones((3, 2))
    lam = np.array([[1.0, 0.0], [-1.0, 0.0], [2.0, 0.0]])
    for array in (X, lam):
        array.flags.writeable = False
    assert search(X, lam).value == pytest.approx(2 * np.sqrt(2))
    assert search(X, np.zeros((3, 2))).signs.shape == (0, 2)
    assert search(np.zeros((3, 2)), lam).directions.shape == (2, 0)


@pytest.mark.parametrize("output_norm", ["l2", "l1"])
def test_no_time_still_gives_a_value(output_norm):
    X, lam = residuals(5)
    assert search(X, lam, max_seconds=0.0, output_norm=output_norm).value > 0


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="lam must have one entry for each of the 2 rows"):
        search(np.eye(2), np.ones((3, 2)))
    with pytest.raises(ValueError, match="output_norm must be one of"):
        search(np.eye(2), np.ones((2, 2)), output_norm="l3")
