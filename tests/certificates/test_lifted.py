"""The lifted dual: its cone, its bounds, and a reference by interior point."""

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn.certificates import LiftedDual, RowSpace, exact_oracle, joint_dual_sdp
from cvxnn.certificates.relaxations.lifted_cone import Products, RowProducts
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem

SEEDS = st.integers(0, 2**31)


def random_problem(seed, *, output_offset=False, n=None, d=None):
    rng = np.random.default_rng(seed)
    n, d = n or int(rng.integers(2, 8)), d or int(rng.integers(1, 4))
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    if seed % 3 == 0:
        X[-1] = -2 * X[0]  # a collinear pair
    if seed % 5 == 0:
        X[0] = 0.0
    return Problem(X, y, float(10 ** rng.uniform(-1.5, 0)), output_offset=output_offset)


def lifted(problem, network=None):
    space = RowSpace(problem.X)
    point = joint_dual_sdp(problem, space, max_seconds=10.0)
    network = network or ReLUNetwork(np.zeros((problem.n_features, 0)), np.zeros(0))
    return LiftedDual(problem, space, point, network), point


def random_products(rng, cone):
    n, r = cone.shape
    ball, rays, pairs = (rng.standard_normal(s) for s in ((1 + r, 1 + r), (2, 1 + r, n), (3, n, n)))
    symmetric = [a + a.T for a in (ball, pairs[0], pairs[2])]
    return Products(symmetric[0], rays, np.stack([symmetric[1], pairs[1], symmetric[2]]))


def inner(P, Q):
    weights = (1.0, 2.0, 1.0, 2.0, 1.0)
    parts = zip((P.ball, P.rays, *P.pairs), (Q.ball, Q.rays, *Q.pairs), strict=True)
    return sum(w * np.vdot(a, b) for w, (a, b) in zip(weights, parts, strict=True))


def neuron_matrix(rng, cone):
    """A sum of v v^T over three random neurons."""
    u = rng.standard_normal((cone.shape[1], 3))
    u *= cone.scale / np.linalg.norm(u, axis=0)
    v = np.vstack([np.ones(3), u, np.maximum(cone.rows @ u, 0.0)])
    return v @ v.T


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, n=st.integers(1, 8), d=st.integers(1, 5))
def test_the_map_its_adjoint_and_its_inverse(seed, n, d):
    rng = np.random.default_rng(seed)
    cone = RowProducts(RowSpace(rng.standard_normal((n, d))))
    N = 1 + sum(cone.shape)
    M = rng.standard_normal((N, N))
    M += M.T
    P = random_products(rng, cone)
    assert inner(cone.forward(M), P) == pytest.approx(np.vdot(M, cone.adjoint(P)), rel=1e-9, abs=1e-9)
    solved = cone.solve(M, 0.3)
    np.testing.assert_allclose(solved + 0.3 * cone.adjoint(cone.forward(solved)), M, atol=1e-10 * N)
    border = np.zeros((N, N))
    border[0, -1] = border[-1, 0] = 1.0
    k = N - cone.shape[0]
    np.testing.assert_allclose(cone.solve(border, 0.3)[0, k:], cone.border_inverse(0.3)[:, -1], atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, n=st.integers(1, 8), d=st.integers(1, 5))
def test_projections_are_onto_a_cone_that_holds_all_neurons_and_its_dual(seed, n, d):
    rng = np.random.default_rng(seed)
    cone = RowProducts(RowSpace(rng.standard_normal((n, d))))
    of_neurons = cone.forward(neuron_matrix(rng, cone))
    assert cone.project(of_neurons).plus(-1.0, of_neurons).norm() <= 1e-12 * of_neurons.norm()
    P = random_products(rng, cone)
    projected = cone.project(P)
    rest = projected.plus(-1.0, P)  # Moreau: orthogonal to the projection, and in the dual cone
    assert inner(rest, projected) == pytest.approx(0.0, abs=1e-10 * P.norm() ** 2)
    assert cone.project_multipliers(rest).plus(-1.0, rest).norm() <= 1e-10 * P.norm()
    Z = cone.project_multipliers(P)
    assert inner(Z, of_neurons) >= -1e-10 * Z.norm() * of_neurons.norm()


@pytest.mark.parametrize("output_offset", [False, True])
@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, steps=st.integers(0, 40))
def test_every_iterate_proves_its_upper_bound(output_offset, seed, steps):
    problem = random_problem(seed, output_offset=output_offset)
    if not np.any(problem.project_dual(problem.y)):
        return
    dual, _ = lifted(problem)
    for _ in range(steps):
        dual.step()
    # the oracle's value is attained by a direction
    assert exact_oracle(problem.X).maximise(dual.lam).value <= dual.upper_bound()


@pytest.mark.parametrize("output_offset", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_bounds_rise_from_the_joint_dual_sdps_to_near_the_optimum(seed, output_offset, convex_optimum):
    problem = random_problem(seed, output_offset=output_offset, n=7, d=3)
    optimum = convex_optimum(problem)
    dual, point = lifted(problem, optimum.network)
    first = dual.lower_bound()
    # what the joint dual SDP proves, up to the repair of the interior point's own inaccuracy
    assert first == pytest.approx(point.lower_bound, rel=1e-3)
    bounds = [first]
    for _ in range(30):
        for _ in range(20):
            dual.step()
        bounds.append(dual.lower_bound())
    assert max(bounds) <= optimum.value * (1 + 1e-6)  # the reference's accuracy
    assert max(bounds) >= point.lower_bound + 0.5 * (optimum.value - point.lower_bound) - 1e-3 * optimum.value


def test_without_the_repair_the_bound_would_be_false(convex_optimum):
    # planted fault: the dual objective of an iterate that is not feasible, taken at its word
    excess = []
    for seed in range(6):
        problem = random_problem(seed, n=7, d=3)
        dual, _ = lifted(problem)
        for _ in range(3):
            dual.step()
        optimum = convex_optimum(problem).value
        assert dual.lower_bound() <= optimum * (1 + 1e-6)
        excess.append(problem.dual_objective(dual.lam) / optimum)
    assert max(excess) > 1.01


def solve_lifted_program(problem):
    """State the lifted relaxation, entry by entry, to an interior-point method."""
    X, (n, d) = problem.X, problem.X.shape
    matrices, constraints, prediction, penalty = [], [], 0, 0
    for sign in (1.0, -1.0):
        M = cp.Variable((1 + d + n, 1 + d + n), PSD=True)
        u, h = slice(1, 1 + d), slice(1 + d, None)
        th, uh, hh = M[0, h], M[u, h], M[h, h]
        tg, ug, hg = th - X @ M[0, u], uh - M[u, u] @ X.T, hh - (X @ uh).T
        gg = hg - X @ ug
        constraints += [cp.trace(M[u, u]) <= M[0, 0], hh >= 0, hg >= 0, gg >= 0, cp.diag(hg) == 0]
        constraints += [cp.SOC(th, uh), cp.SOC(tg, ug)]
        matrices.append(M)
        prediction = prediction + sign * th
        penalty = penalty + M[0, 0]
    loss = problem.loss.to_cvxpy(prediction, problem.y)
    return float(
        cp.Problem(cp.Minimize(loss + problem.beta * penalty), constraints).solve(solver=cp.CLARABEL)
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_the_bound_reaches_the_relaxation_that_interior_points_solve(seed):
    problem = random_problem(seed, n=6, d=3)
    reference = solve_lifted_program(problem)
    dual, _ = lifted(problem)
    best = 0.0
    for _ in range(40):
        for _ in range(50):
            dual.step()
        best = max(best, dual.lower_bound())
    # a first-order method after 2,000 steps
    assert reference * (1 - 2e-3) <= best <= reference * (1 + 1e-6)
