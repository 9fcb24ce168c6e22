"""Projection on cones: closed forms, an independent reference, and working sets that stay small."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn import Problem, ReLUProgram
from cvxnn.programs import WorkingSets
from cvxnn.programs.cones import project_blocks, project_on_rows
from cvxnn.testing import samplers

seeds = st.integers(0, 2**32 - 1)


def test_projection_on_an_orthant_clips():
    v = np.array([1.0, -2.0, 0.0, -0.5])
    projection, multipliers = project_on_rows(np.eye(4), v)
    assert projection.tolist() == [1.0, 0.0, 0.0, 0.0]
    assert multipliers.tolist() == [0.0, 2.0, 0.0, 0.5]


def test_projection_on_a_half_space_removes_the_normal_part():
    row, v = np.array([[3.0, 4.0]]), np.array([-1.0, 0.0])
    projection, multipliers = project_on_rows(row, v)
    assert projection == pytest.approx([-1 + 9 / 25, 12 / 25])
    assert multipliers == pytest.approx([3 / 25])


def test_without_rows_nothing_moves():
    projection, multipliers = project_on_rows(np.zeros((0, 3)), np.array([1.0, -2.0, 3.0]))
    assert projection.tolist() == [1.0, -2.0, 3.0]
    assert multipliers.size == 0


@given(seed=seeds)
def test_multipliers_and_projection_meet_the_karush_kuhn_tucker_conditions(seed):
    """t = v + A^T z with z >= 0, A t >= 0 and z^T A t = 0 characterise the projection."""
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((rng.integers(1, 12), rng.integers(1, 5)))
    A /= np.linalg.norm(A, axis=1, keepdims=True)
    v = rng.standard_normal(A.shape[1])
    t, z = project_on_rows(A, v)
    np.testing.assert_allclose(t, v + A.T @ z, rtol=0, atol=1e-13)
    assert np.all(z >= 0)
    tolerance = 1e-12 * (1 + np.max(z))  # multipliers are large where rows are nearly dependent
    assert np.min(A @ t) >= -tolerance
    assert abs(z @ A @ t) <= tolerance * (1 + np.sum(z))


@pytest.mark.parametrize(("n", "d"), [(40, 3), (5, 8), (200, 2)])
def test_projection_agrees_with_a_quadratic_program(n, d):
    rng = np.random.default_rng(n)
    X = samplers.with_bias_column(rng, n, d)
    masks = X @ rng.standard_normal((d, 6)) >= 0
    program, V = ReLUProgram(Problem(X, np.ones(n), 1.0), masks), rng.standard_normal((d, 12))
    T = program.project(V)
    for b, (mask, v) in enumerate(zip(program.masks.T, V.T, strict=True)):
        u = cp.Variable(d)
        problem = cp.Problem(cp.Minimize(cp.sum_squares(u - v)), [cp.multiply(2.0 * mask - 1.0, X @ u) >= 0])
        problem.solve(solver=cp.CLARABEL)
        np.testing.assert_allclose(T[:, b], u.value, rtol=0, atol=1e-5)  # square root of Clarabel's 1e-8 and more


def test_working_sets_stay_small_and_make_the_next_call_cheap(monkeypatch):
    rng = np.random.default_rng(0)
    X = samplers.with_bias_column(rng, 500, 4)
    masks = X @ rng.standard_normal((4, 10)) >= 0
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    sets, V = WorkingSets.empty(10), rng.standard_normal((4, 10))
    first = project_blocks(unit, masks, V, sets, np.arange(10))
    calls = []
    monkeypatch.setattr(
        "cvxnn.programs.cones.project_on_rows", lambda rows, v: calls.append(len(rows)) or project_on_rows(rows, v)
    )
    again = project_blocks(unit, masks, V, sets, np.arange(10))
    np.testing.assert_allclose(again, first, rtol=0, atol=1e-12)
    assert len(calls) == 10  # one solve a block: no row had to be added
    for _ in range(30):
        project_blocks(unit, masks, rng.standard_normal((4, 10)), sets, np.arange(10))
    assert max(len(rows) for rows in sets.rows) <= 3 * 4 + 40  # a call's own rows, not those of thirty
    for rows, active in zip(sets.rows, sets.active, strict=True):
        assert len(np.unique(rows)) == len(rows)
        assert set(active) <= set(rows)


def test_selected_working_sets_are_those_of_the_blocks():
    sets = WorkingSets([np.array([1]), np.array([2, 3])], [np.array([1]), np.array([3])])
    chosen = sets.select(np.array([1]))
    assert [rows.tolist() for rows in chosen.rows] == [[2, 3]]
    assert [rows.tolist() for rows in chosen.active] == [[3]]
