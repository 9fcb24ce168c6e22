"""Projection on cones: closed forms, an independent reference, and working sets that remember the face."""

from __future__ import annotations

import contextlib
import time

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import nnls

from cvxnn import Problem, ReLUProgram
from cvxnn.deadlines import Deadline
from cvxnn.programs import OutOfTime, WorkingSets
from cvxnn.programs.cones import shorten
from cvxnn.programs.faces import Faces
from cvxnn.testing import samplers

seeds = st.integers(0, 2**32 - 1)


def cones(X, masks):
    """One block for every pattern: a program that is there for its cones."""
    masks = np.asarray(masks)
    return ReLUProgram(Problem(X, np.ones(len(X)), 1.0), masks, np.ones(masks.shape[1]))


def test_projection_on_an_orthant_clips():
    orthants = cones(np.diag([1.0, 2.0, 1e-8, 1e8]), np.array([[1, 1], [1, 0], [1, 0], [1, 1]]))
    V = np.tile([[1.0], [-2.0], [0.0], [-0.5]], 2)
    sets = WorkingSets.empty(2)
    assert orthants.project(V, sets).T.tolist() == [[1.0, 0.0, 0.0, 0.0], [1.0, -2.0, 0.0, 0.0]]
    assert [set(rows[rows >= 0]) for rows in sets.rows] == [{1, 3}, {3}]


def test_projection_on_a_half_space_removes_the_normal_part():
    half_space = cones([[3.0, 4.0]], [[True]])
    assert half_space.project(np.array([[-1.0], [0.0]])).ravel() == pytest.approx([-1 + 9 / 25, 12 / 25])


def test_zero_rows_do_not_bound_a_cone():
    everything = cones(np.zeros((3, 2)), np.ones((3, 1)))
    V = np.array([[-1.0], [2.0]])
    assert everything.project(V).tolist() == V.tolist()


@given(seed=seeds)
def test_projection_agrees_with_non_negative_least_squares_on_all_rows(seed):
    """The projection of v on {u : A u >= 0} is v + A^T z with z = argmin over z >= 0 of ||v + A^T z||."""
    rng = np.random.default_rng(seed)
    n, d = rng.integers(1, 30), rng.integers(1, 6)
    X = rng.standard_normal((n, d))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    masks, V = X @ rng.standard_normal((d, 4)) >= 0, rng.standard_normal((d, 4))
    T = cones(X, masks).project(V)
    for mask, v, t in zip(masks.T, V.T, T.T, strict=True):
        A = np.where(mask, 1.0, -1.0)[:, None] * X
        z, _ = nnls(A.T, -v)
        np.testing.assert_allclose(
            t, v + A.T @ z, rtol=0, atol=1e-10
        )  # multipliers up to 10^4 times rounding


@pytest.mark.parametrize(("n", "d"), [(40, 3), (5, 8), (200, 2)])
def test_projection_agrees_with_a_quadratic_program(n, d):
    rng = np.random.default_rng(n)
    X = samplers.with_bias_column(rng, n, d)
    program, V = cones(X, X @ rng.standard_normal((d, 6)) >= 0), rng.standard_normal((d, 6))
    T = program.project(V)
    for b, (mask, v) in enumerate(zip(program.masks.T, V.T, strict=True)):
        u = cp.Variable(d)
        problem = cp.Problem(cp.Minimize(cp.sum_squares(u - v)), [cp.multiply(2.0 * mask - 1.0, X @ u) >= 0])
        problem.solve(solver=cp.CLARABEL)
        np.testing.assert_allclose(T[:, b], u.value, rtol=0, atol=1e-5)  # Clarabel's 1e-8 is of the square


def test_working_sets_hold_the_face_of_the_last_projection():
    rng = np.random.default_rng(0)
    X = samplers.with_bias_column(rng, 500, 4)
    program = cones(X, X @ rng.standard_normal((4, 10)) >= 0)
    sets = WorkingSets.empty(10)
    for _ in range(5):
        V = rng.standard_normal((4, 10))
        T = program.project(V, sets)
        for b, t in enumerate(T.T):
            face = sets.rows[b][sets.rows[b] >= 0]
            assert len(set(face)) == len(face) == sets.counts[b] <= 4
            np.testing.assert_allclose(X[face] @ t, 0.0, rtol=0, atol=1e-12)
            # A^T z = t - v with z >= 0: the polar cone of the face alone
            signed = np.where(program.masks[face, b], 1.0, -1.0)[:, None] * X[face]
            z = np.linalg.lstsq(signed.T, t - V[:, b], rcond=None)[0]
            assert np.all(z > -1e-10)


def test_only_the_blocks_asked_for_are_remembered():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20, 3))
    program, sets = cones(X, X @ rng.standard_normal((3, 4)) >= 0), WorkingSets.empty(4)
    program.project(-np.ones((3, 4)), sets, np.array([1, 2]))
    assert sets.counts[[0, 3]].tolist() == [0, 0]


def opposite_rows(rng):
    """Every row twice, on both sides of it: faces of lower dimension only."""
    X = rng.standard_normal((6, 4))
    masks = X @ rng.standard_normal((4, 8)) >= 0
    masks = np.vstack([masks, masks])
    masks[6:9] = ~masks[6:9]
    return np.vstack([X, X]), masks


def nearly_dependent_rows(rng):
    """Pairs of rows 1e-9 apart, between which multipliers are ill-determined and projections are not."""
    X = rng.standard_normal((20, 5))
    X = np.vstack([X, X + 1e-9 * rng.standard_normal((20, 5))])
    return X, X @ rng.standard_normal((5, 8)) >= 0


def repeated_and_zero_rows(rng):
    X = np.vstack([rng.integers(-1, 2, (30, 4)), np.zeros((3, 4))]).astype(float)
    return X, X @ rng.standard_normal((4, 8)) >= 0


def rows_in_a_plane(rng):
    X = rng.standard_normal((30, 2)) @ rng.standard_normal((2, 6))
    return X, X @ rng.standard_normal((6, 8)) >= 0


def rows_of_all_scales(rng):
    X = rng.standard_normal((30, 4)) * 10.0 ** rng.integers(-8, 9, (30, 1))
    return X, X @ rng.standard_normal((4, 8)) >= 0


def more_features_than_rows(rng):
    X = rng.standard_normal((5, 12))
    return X, X @ rng.standard_normal((12, 8)) >= 0


HARD = [
    opposite_rows,
    nearly_dependent_rows,
    repeated_and_zero_rows,
    rows_in_a_plane,
    rows_of_all_scales,
    more_features_than_rows,
]


def check_optimal(program, V, T, sets):
    """T lies in the cones and V - T in the polar cones of the faces: rounding of V at most."""
    X = np.asarray(program.problem.X)
    norms = np.linalg.norm(X, axis=1, keepdims=True)
    X = X / np.where(norms > 0, norms, 1.0)
    sizes = np.linalg.norm(V, axis=0)
    assert np.all(np.where(program.masks, 1.0, -1.0) * (X @ T) >= -1e-13 * sizes)
    assert np.all(np.abs(np.sum(T * (V - T), axis=0)) <= 1e-13 * sizes**2)
    for b, count in enumerate(sets.counts):
        face = sets.rows[b, :count]
        signed = np.where(program.masks[face, b], 1.0, -1.0)[:, None] * X[face]
        # V - T = -A^T z with z >= 0. The residual of the best z is looked at, not z: it may be ill-determined.
        moved = T[:, b] - V[:, b]
        residual = nnls(signed.T, moved)[1] if count else np.linalg.norm(moved)
        assert residual <= 1e-12 * sizes[b]


@pytest.mark.parametrize("make", HARD)
@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_projections_are_optimal_cold_and_warm(make, scale, rng):
    X, masks = make(rng)
    program = cones(X, masks)
    sets = WorkingSets.empty(program.n_blocks)
    V = scale * rng.standard_normal((X.shape[1], program.n_blocks))
    for _ in range(6):
        check_optimal(program, V, program.project(V, sets), sets)
        V = V + 0.1 * scale * rng.standard_normal(V.shape)


@pytest.mark.parametrize("make", HARD)
def test_a_projection_projects_to_itself_on_the_same_face_or_a_larger_one(make, rng):
    X, masks = make(rng)
    program, sets = cones(X, masks), WorkingSets.empty(masks.shape[1])
    T = program.project(rng.standard_normal((X.shape[1], program.n_blocks)), sets)
    np.testing.assert_allclose(program.project(T, sets), T, rtol=0, atol=1e-12)
    np.testing.assert_allclose(program.project(T), T, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["cones._BATCH_ENTRIES", "faces._PIVOTS"])
def test_batches_and_the_way_out_of_cycles_change_nothing(name, monkeypatch, rng):
    """Of one block a batch; and of no pivots, which leaves every block to SciPy."""
    X = samplers.with_bias_column(rng, 60, 5)
    program, V = cones(X, X @ rng.standard_normal((5, 12)) >= 0), rng.standard_normal((5, 12))
    sets, others = WorkingSets.empty(12), WorkingSets.empty(12)
    expected = program.project(V, sets)
    monkeypatch.setattr(f"cvxnn.programs.{name}", 0)
    np.testing.assert_allclose(program.project(V, others), expected, rtol=0, atol=1e-12)
    for rows, again in zip(sets.rows, others.rows, strict=True):
        assert set(rows) == set(again)


@given(seed=seeds)
def test_negligible_projections_stay_negligible_and_the_others_exact(seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((40, 4))
    program, V = cones(X, X @ rng.standard_normal((4, 10)) >= 0), rng.standard_normal((4, 10))
    exact = program.project(V)
    norms = np.linalg.norm(exact, axis=0)
    limit = float(np.median(norms))
    found = program.project(V, negligible=limit)
    small = norms <= limit
    np.testing.assert_allclose(found[:, norms > limit], exact[:, norms > limit], rtol=0, atol=1e-12)
    assert np.all(np.linalg.norm(found, axis=0)[small] <= limit * (1 + 1e-12))


def test_nothing_to_project_is_no_error():
    program = cones(np.eye(2), np.ones((2, 3)))
    assert program.project(np.ones((2, 3)), None, np.zeros(0, dtype=np.intp)).shape == (2, 0)


MANY = 32 * 128 + 1  # rows beyond which only those near the boundary are looked at


def many_rows(rng, d=4, n=MANY):
    """More rows than are looked at, with repeated and zero ones."""
    X = rng.standard_normal((n, d))
    X[:50], X[50:60] = X[60:110], 0.0
    return X, X @ rng.standard_normal((d, 12)) >= 0


def few_near_rows(rng):
    """Rows that concentrate around one direction: nearly all are near or none is."""
    X = rng.standard_normal((MANY, 3)) * [1e-4, 1.0, 1e-4] + [1.0, 0.0, 0.0]
    return X, X @ rng.standard_normal((3, 8)) >= 0


def crowded_rows(rng):
    """Copies of a few rows: far more rows on the boundary than there is room for."""
    X = np.repeat(rng.standard_normal((6, 4)), MANY // 5, axis=0)
    return X, X @ rng.standard_normal((4, 8)) >= 0


def badly_scaled_rows(rng):
    X, masks = many_rows(rng)
    return X * 10.0 ** rng.integers(-8, 9, (len(X), 1)), masks


@pytest.mark.parametrize("make", [many_rows, few_near_rows, crowded_rows, badly_scaled_rows])
@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_near_rows_give_the_projection_on_all_rows(make, scale, rng):
    """Small moves keep the promise of the rows left out, large ones break it; both end at the same point."""
    X, masks = make(rng)
    program, sets = cones(X, masks), WorkingSets.empty(masks.shape[1])
    V = scale * rng.standard_normal((X.shape[1], program.n_blocks))
    for move in (0.0, 1e-6, 1e-3, 0.1, 1.0):
        V = V + move * scale * rng.standard_normal(V.shape)
        T = program.project(V, sets)
        check_optimal(program, V, T, sets)
        units = X / np.where(np.any(X, axis=1), np.linalg.norm(X, axis=1), 1.0)[:, None]
        for b in range(0, program.n_blocks, 3):
            z, _ = nnls((np.where(masks[:, b], 1.0, -1.0)[:, None] * units).T, -V[:, b])
            expected = V[:, b] + (np.where(masks[:, b], 1.0, -1.0) * z) @ units
            # Two active-set methods on multipliers up to 10^4 times rounding.
            np.testing.assert_allclose(T[:, b], expected, rtol=0, atol=1e-10 * scale)


def test_rows_left_out_satisfy_their_promise(rng):
    X, masks = many_rows(rng)
    program, sets = cones(X, masks), WorkingSets.empty(masks.shape[1])
    program.project(rng.standard_normal((4, 12)), sets)
    near = sets.near
    units = X / np.where(np.any(X, axis=1), np.linalg.norm(X, axis=1), 1.0)[:, None]
    promised = np.flatnonzero(near.radius > 0)
    assert promised.size
    for b in promised:
        margins = np.where(masks[:, b], 1.0, -1.0) * (units @ near.anchors[b])
        others = np.setdiff1d(np.arange(len(X)), near.rows[b])
        assert np.min(margins[others]) >= near.radius[b] - 1e-14


def test_a_promise_too_large_is_noticed(rng):
    """The planted fault: rows that are never looked at again make projections that leave their cones."""
    X, masks = many_rows(rng)
    program, sets = cones(X, masks), WorkingSets.empty(masks.shape[1])
    program.project(rng.standard_normal((4, 12)), sets)
    sets.near.radius[:] = 10.0
    sets.near.rows[:] = -1
    V = sets.near.anchors.T + 0.1 * rng.standard_normal((4, 12))
    assert program.violation(program.project(V, sets)) > 1e-3


@given(seed=seeds)
def test_normals_bound_the_norms_of_other_projections(seed):
    """``||v + t A^T z||`` for z, t >= 0 is at least the norm of the projection of v."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((20, 4))
    program, sets = cones(X, X @ rng.standard_normal((4, 6)) >= 0), WorkingSets.empty(6)
    V = rng.standard_normal((4, 6))
    program.project(V, sets)
    for size in (1e-6, 1.0, 1e6):
        other = size * (V + 0.3 * rng.standard_normal(V.shape))
        bounds = np.linalg.norm(shorten(other.T, sets.normals), axis=1)
        exact = np.linalg.norm(program.project(other), axis=0)
        assert np.all(exact <= bounds + 1e-12 * np.linalg.norm(other, axis=0))
        assert np.all(bounds <= np.linalg.norm(other, axis=0) * (1 + 1e-12))


@pytest.mark.parametrize("n", [40, 5000])  # all rows, and those near the boundary
def test_a_deadline_ends_a_projection_between_two_pivots(n, rng, monkeypatch):
    X = rng.standard_normal((n, 6))
    program = cones(X, X @ rng.standard_normal((6, 8)) >= 0)
    V, seconds = rng.standard_normal((6, 8)), [0.0]

    def pivots(limit):
        """Return how many rounds there are, each of a second."""
        rounds = []

        def solve(faces, blocks):
            seconds[0] += 1.0
            rounds.append(seconds[0])
            return one_round(faces, blocks)

        one_round = Faces.solve
        sets = WorkingSets.empty(8)
        sets.deadline = Deadline(limit, seconds[0])
        with monkeypatch.context() as patched:
            patched.setattr(time, "perf_counter", lambda: seconds[0])
            patched.setattr(Faces, "solve", solve)
            with contextlib.suppress(OutOfTime):
                program.project(V, sets)
        return len(rounds)

    assert pivots(np.inf) > 4
    assert pivots(2.5) == 3


def test_a_deadline_ends_a_projection(rng):
    X, masks = many_rows(rng)
    program, sets = cones(X, masks), WorkingSets.empty(masks.shape[1])
    sets.deadline = Deadline(0.0)
    with pytest.raises(OutOfTime):
        program.project(rng.standard_normal((4, 12)), sets)
