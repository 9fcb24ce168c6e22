import numpy as np
import pytest

from cvxnn.certificates import CellOracle, SweepOracle, search
from cvxnn.certificates.local_search import ascent, multi_start, output_search
from cvxnn.certificates.oracles import units
from cvxnn.cones import project_on_cone
from cvxnn.deadlines import Deadline


def plain_iteration(X, lam, U, steps=100):
    """Return the best value met along u <- X^T D(u) lam / ||.||, for either sign, from all starts."""
    best = 0.0
    for sign in (1.0, -1.0):
        V = U
        for _ in range(steps):
            Z = X @ V
            best = max(best, float(np.max(sign * (lam @ np.maximum(Z, 0.0)))))
            G = X.T @ (sign * lam[:, None] * (Z > 0))
            V = G / np.maximum(np.linalg.norm(G, axis=0), 1e-300)
    return best


def fitted_residual(seed, n=60, d=5):
    """Return data and a residual that is nearly orthogonal to some neurons, as late in training."""
    rng = np.random.default_rng(seed)
    X = np.c_[rng.standard_normal((n, d - 1)), np.ones(n)]
    features = np.maximum(X @ rng.standard_normal((d, n // 2)), 0.0)
    y = rng.standard_normal(n)
    return X, y - features @ np.linalg.lstsq(features, y, rcond=None)[0]


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize(("oracle", "d"), [(SweepOracle, 2), (CellOracle, 3)])
def test_search_finds_the_exact_value_in_low_rank(oracle, d, scale):
    for seed in range(5):
        X, lam = fitted_residual(seed, n=30, d=d)
        exact = oracle(X * scale).maximise(lam).value
        # the polish ends in an exact local maximum; with hundreds of starts in two or three dimensions, the
        # global one
        assert search(X * scale, lam).value == pytest.approx(exact, rel=1e-9)


def test_search_is_at_least_as_good_as_the_plain_iteration():
    better = 0
    for seed in range(6):
        X, lam = fitted_residual(seed)
        U = np.random.default_rng(seed).standard_normal((X.shape[1], 256))
        plain = plain_iteration(X, lam, U / np.linalg.norm(U, axis=0))
        found = search(X, lam, starts=U).value
        assert found >= plain * (1 - 1e-9)
        better += found > plain * (1 + 1e-6)
    assert better >= 3  # kinks are where the plain iteration cannot settle


def test_result_is_attained_sorted_and_distinct():
    X, lam = fitted_residual(0)
    result = search(X, lam)
    attained = result.signs * (lam @ np.maximum(X @ result.directions, 0.0))
    np.testing.assert_allclose(result.values, attained, rtol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(result.directions, axis=0), 1.0, rtol=1e-12)
    assert np.all(np.diff(result.values) <= 0)
    assert result.value == result.values[0]
    signed = np.vstack([result.directions, result.signs])
    assert np.max(np.triu(signed.T @ signed, 1)) < 2.0 - 1e-6


def test_no_local_maximum_is_improved_by_small_steps():
    X, lam = fitted_residual(1)
    result = search(X, lam)
    u, sign = result.directions[:, 0], result.signs[0]
    steps = np.random.default_rng(0).standard_normal((X.shape[1], 2000))
    for size in (1e-2, 1e-4, 1e-6):
        V = u[:, None] + size * steps
        values = sign * (lam @ np.maximum(X @ (V / np.linalg.norm(V, axis=0)), 0.0))
        assert np.max(values) <= result.value * (1 + 1e-12)


def test_same_seed_same_result():
    X, lam = fitted_residual(2)
    first, second = search(X, lam, random_state=3), search(X, lam, random_state=3)
    np.testing.assert_array_equal(first.directions, second.directions)
    np.testing.assert_array_equal(first.values, second.values)


def test_excluded_directions_are_left_out():
    X, lam = fitted_residual(3)
    result = search(X, lam)
    rest = search(X, lam, exclude=3.0 * result.directions[:, :2])
    assert rest.value < result.value
    assert np.max(result.directions[:, :2].T @ rest.directions) < 1 - 1e-6


def test_starts_never_lower_the_value():
    X, lam = fitted_residual(4)
    u = np.random.default_rng(0).standard_normal(X.shape[1])
    value = abs(lam @ np.maximum(X @ u / np.linalg.norm(u), 0.0))
    assert search(X, lam, starts=u[:, None], n_random=0).value >= value


def test_read_only_and_zero_arrays():
    X = np.ones((3, 2))
    X.flags.writeable = False
    lam = np.array([1.0, -1.0, 2.0])
    lam.flags.writeable = False
    assert search(X, lam).value == pytest.approx(2 * np.sqrt(2))
    assert search(X, np.zeros(3)).value == 0.0
    assert search(np.zeros((3, 2)), lam).directions.shape == (2, 0)


def test_no_time_still_gives_a_value():
    X, lam = fitted_residual(5)
    assert search(X, lam, max_seconds=0.0).value > 0


def ascents():
    X, lam = fitted_residual(6)
    norms = np.linalg.norm(X, axis=1)
    return X, [
        ascent.Ascent(X, lam),
        output_search.OutputAscent(X, np.stack([lam, lam[::-1]], axis=1), norms),
    ]


@pytest.mark.parametrize("k", [0, 1])
def test_starts_in_batches_end_where_they_do_together(k, monkeypatch):
    X, kinds = ascents()
    U = units(np.random.default_rng(0).standard_normal((X.shape[1], 50)))
    values, directions = kinds[k].run(U, inner=15, outer=20)
    monkeypatch.setattr(ascent, "_BATCH_ENTRIES", 7 * len(X))
    batched, others = kinds[k].run(U, inner=15, outer=20)
    np.testing.assert_allclose(batched, values, rtol=1e-6)  # the gain below which a start is done
    assert others.shape == directions.shape


@pytest.mark.parametrize("k", [0, 1])
def test_without_time_only_the_first_batch_is_reached(k, monkeypatch):
    X, kinds = ascents()
    U = units(np.random.default_rng(0).standard_normal((X.shape[1], 50)))
    monkeypatch.setattr(ascent, "_BATCH_ENTRIES", 7 * len(X))
    values, directions = kinds[k].run(U, inner=15, outer=20, deadline=Deadline(0.0))
    reached = np.isfinite(values)
    assert 0 < np.count_nonzero(reached) <= 7 * 2  # the rows of one sign are about half of all
    np.testing.assert_array_equal(directions[:, ~reached], U[:, ~reached])


def test_a_late_polish_looks_at_one_cell(monkeypatch):
    X, lam = fitted_residual(7)
    cells, norms = [], np.linalg.norm(X, axis=1)

    def counted(*args):
        cells.append(1)
        return project_on_cone(*args)

    monkeypatch.setattr(ascent, "project_on_cone", counted)
    u = X[0] / norms[0]
    first, _ = ascent.polish(X, lam, u, norms, Deadline(0.0))
    assert len(cells) == 1
    last, _ = ascent.polish(X, lam, u, norms)
    assert len(cells) > 2
    assert first <= last


def test_short_limits_whiten_no_starts(monkeypatch):
    X, lam = fitted_residual(8)
    monkeypatch.setattr(multi_start, "_whitened", lambda X, U: 1 / 0)
    assert search(X, lam, max_seconds=1e-6).value > 0
    with pytest.raises(ZeroDivisionError):
        search(X, lam, max_seconds=1.0)


def test_whitened_starts_are_isotropic_to_the_data():
    rng = np.random.default_rng(9)
    X = rng.standard_normal((50, 4)) @ np.diag([1e3, 1.0, 1e-3, 0.0])
    whitened = multi_start._whitened(X, np.eye(4))
    gram = (X @ whitened).T @ (X @ whitened)
    np.testing.assert_allclose(
        gram, np.diag([1.0, 1.0, 1.0, 0.0]), atol=1e-8
    )  # half of the digits: a Gram matrix


def test_bad_shapes_are_refused():
    with pytest.raises(ValueError, match="lam must have one entry for each of the 2 rows"):
        search(np.eye(2), np.ones(3))
