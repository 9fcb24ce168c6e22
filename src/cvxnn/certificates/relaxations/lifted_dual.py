"""The lifted dual: a lower bound from moments of (1, u, h) of every order-two product of the rows' constraints.

For each sign s of the output weights, a network is a matrix ``M_s`` of the lifted cone (see
`cvxnn.certificates.lifted_cone`), its prediction ``sum_s s M_s(1 h)`` and its penalty ``beta sum_s M_s(1 1)``, so

    min  1/2 || M_+(1 h) - M_-(1 h) - y ||^2 + beta (M_+(1 1) + M_-(1 1))   over the lifted cone

is a lower bound on the optimum. Its dual has a variable lam, multipliers ``Z_s`` of the products, and

    R_s = beta e_1 e_1^T - s E^T lam - G^T Z_s G  PSD,

which proves ``phi(s lam) <= beta``: on a unit neuron v, ``0 <= v^T R_s v = beta - s lam^T h - <Z_s, G v v^T G^T>``.
It contains the joint dual SDP, whose multipliers give the start, and is solved by the alternating direction
method of multipliers. No iterate satisfies the constraints exactly: `LiftedDual.lower_bound` pays for what is
missing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxnn.certificates.dual_bounds import dual_bound
from cvxnn.certificates.relaxations.joint_program import DualPoint
from cvxnn.certificates.relaxations.lifted_cone import Products, RowProducts
from cvxnn.certificates.row_space import RowSpace
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem
from cvxnn.threads import run_tasks, single_threaded_blas
from cvxnn.validation import Array

_EPS = float(np.finfo(np.float64).eps)
# Relative weight of the products against the matrix in the splitting, and over-relaxation. On one planted problem of
# 200 rows of rank 10, bounds over the best known objective after 100 and 600 steps: 0.737 and 0.885, 0.776 and 0.880,
# 0.772 and 0.871 with weights 1, 0.3 and 0.1; 0.758 and 0.877 with relaxation 1.6.
_WEIGHT = 0.3
_RELAXATION = 1.8
# The first step in units of beta / (path norm n): larger ones find a better lam in the end, smaller ones stay nearer to
# feasibility. There 4, 2 and 1 prove 0.776, 0.800 and 0.808 after 100 steps, 0.880, 0.874 and 0.870 after 600; on the
# 1030 rows of concrete 4 and 0.4 prove 0.218 and 0.274 after 40.
_STEPS = (0.3, 4.0)
# The step follows what the dual constraint is exceeded by. Limits of 0.06 and 0.01 prove 0.888 after 600 steps, 0.02
# and 0.005 prove 0.876: too near to each other to choose by one problem.
_TOO_FAR, _TOO_NEAR = 0.03, 0.005
_FEWEST_ROWS_TO_THREAD = 100
# What unit vectors (1, u) cost against h in the repair of an infeasible multiplier.
_REPAIRS = (1.0, 3.0, 10.0, 30.0, 100.0)


@dataclass(eq=False)
class _Side:
    """The iterate of one sign: matrix, products, and their scaled multipliers."""

    sign: float
    matrix: Array  # (N, N), PSD
    products: Products
    matrix_dual: Array  # (N, N), minus a PSD matrix
    products_dual: Products


class LiftedDual:
    """The alternating direction method of multipliers on the lifted relaxation of squared-loss training.

    Parameters
    ----------
    problem : Problem
        With squared loss and targets of shape (n,).
    space : RowSpace
        The row space of ``problem.X``, of positive rank.
    point : DualPoint
        The joint dual SDP's.
    network : ReLUNetwork
        A good network: the start of the matrices.
    n_steps : float, default 1000
        How many steps to expect: few ask for small ones.

    Notes
    -----
    A step costs two eigendecompositions of order 1 + r + n and O(n^2 r): 13 ms of one core at n = 200, r = 10.

    References
    ----------
    S. Boyd et al., "Distributed optimization and statistical learning via the alternating direction method of
    multipliers", Found. Trends Mach. Learn. 3 (2011), sections 3 and 3.4.3.
    """

    def __init__(
        self,
        problem: Problem,
        space: RowSpace,
        point: DualPoint,
        network: ReLUNetwork,
        *,
        n_steps: float = 1000,
    ) -> None:
        self._problem, self._space = problem, space
        self.cone = RowProducts(space)
        self._y = problem.centred_target
        self._c = space.row_norms / self.cone.scale
        self._levels, self._vectors = np.linalg.eigh(self._gram())
        self.lam = point.lam * (problem.beta / point.upper)
        # without neurons: what a network could save, over what its weights cost
        null_loss = problem.loss_value(np.zeros_like(problem.y), problem.null_offset())
        total = network.path_norm or null_loss / problem.beta
        factor = float(np.clip(n_steps / 250, *_STEPS))
        self._step = factor * problem.beta / (total * len(self._y))
        self._sides = [self._start(k, point, network) for k in range(2)]

    def _gram(self) -> Array:
        """Return ``E (I + w A^T A)^{-1} E^T``, on vectors of mean zero with an output offset."""
        gram = 0.5 * self._c[:, None] * self.cone.border_inverse(_WEIGHT) * self._c
        return self._problem.project_dual(self._problem.project_dual(gram).T)

    def _start(self, k: int, point: DualPoint, network: ReLUNetwork) -> _Side:
        """Return the network's matrix and the joint dual SDP's multipliers."""
        sign = (1.0, -1.0)[k]
        matrix = self._moments(network, sign)
        Z = self._root_multipliers(sign * self.lam, point.tau[k], point.a[k])
        levels, vectors = np.linalg.eigh(self._slack(Z, sign))
        slack = (vectors * np.maximum(levels, 0.0)) @ vectors.T
        return _Side(
            sign,
            matrix,
            self.cone.forward(matrix),
            slack * (-1 / self._step),
            Z.times(-1 / (self._step * _WEIGHT)),
        )

    def _moments(self, network: ReLUNetwork, sign: float) -> Array:
        """Return ``sum c v v^T`` over the neurons of one sign."""
        chosen = sign * network.output > 0
        W = self._space.basis.T @ network.hidden[:, chosen]
        lengths = np.linalg.norm(W, axis=0)
        u = self.cone.scale * W / np.where(lengths > 0, lengths, 1.0)
        v = np.vstack([np.ones(u.shape[1]), u, np.maximum(self.cone.rows @ u, 0.0)])
        moments: Array = (v * (lengths * np.abs(network.output[chosen]))) @ v.T
        return moments

    def _root_multipliers(self, lam: Array, tau: Array, a: Array) -> Products:
        """Return the multipliers of the relaxation that the joint dual SDP uses."""
        n, r = self.cone.shape
        norms = np.where(self._space.row_norms > 0, self._space.row_norms, 1.0)
        p, q = np.maximum(lam, 0.0), np.maximum(-lam, 0.0) * self._c
        Z = Products.zero(n, r)
        np.fill_diagonal(Z.pairs[1], -0.5 * p * np.clip(tau, 1 / norms, 1e8 / norms) * self._c**2)
        Z.rays[0, 0], Z.rays[1, 0] = 0.25 * q * (1 + np.clip(a, -1, 1)), 0.25 * q * (1 - np.clip(a, -1, 1))
        # doubling (1 1) and halving (u u) changes nothing on a unit neuron: at the optimum the two share beta
        Z.ball[np.diag_indices(1 + r)] = 0.5 * self._problem.beta * np.append(1.0, np.full(r, -1 / r))
        return self.cone.project_multipliers(Z)

    def _slack(self, Z: Products, sign: float) -> Array:
        """Return R_s."""
        R = -self.cone.adjoint(Z)
        R[0, 0] += self._problem.beta
        self._add_prediction_dual(R, -sign * self.lam)
        return R

    def _predict(self, M: Array) -> Array:
        prediction: Array = self._c * M[0, 1 + self.cone.shape[1] :]
        return prediction

    def _add_prediction_dual(self, M: Array, v: Array) -> None:
        """Add ``E^T v``."""
        k = 1 + self.cone.shape[1]
        M[0, k:] += 0.5 * self._c * v
        M[k:, 0] += 0.5 * self._c * v

    def step(self) -> None:
        """Take one step: least squares, then projections on both cones, then the multipliers."""
        with single_threaded_blas as n_threads:
            self._take_step(min(n_threads, 2) if len(self._y) >= _FEWEST_ROWS_TO_THREAD else 1)

    def _take_step(self, n_threads: int) -> None:
        targets: dict[float, Array] = {}

        def pull(side: _Side) -> None:
            targets[side.sign] = self._least_squares_target(side)

        def project(side: _Side) -> None:
            self._project(side, targets[side.sign])

        run_tasks(pull, self._sides, n_threads)
        residual = self._predict(targets[1.0]) - self._predict(targets[-1.0]) - self._y
        rotated = self._vectors.T @ self._problem.project_dual(residual)
        self.lam = -self._problem.project_dual(
            self._vectors @ (rotated / (1 + 2 * self._levels / self._step))
        )
        run_tasks(project, self._sides, n_threads)

    def _least_squares_target(self, side: _Side) -> Array:
        """Return the least-squares matrix for lam = 0."""
        pulled = side.products.plus(-1.0, side.products_dual)
        R = side.matrix - side.matrix_dual + _WEIGHT * self.cone.adjoint(pulled)
        R[0, 0] -= self._problem.beta / self._step
        return self.cone.solve(R, _WEIGHT)

    def _project(self, side: _Side, target: Array) -> None:
        R = np.zeros_like(target)
        self._add_prediction_dual(R, side.sign * self.lam / self._step)
        target = target + self.cone.solve(R, _WEIGHT)
        relaxed = _RELAXATION * target + (1 - _RELAXATION) * side.matrix + side.matrix_dual
        products = self.cone.forward(target).times(_RELAXATION)
        products = products.plus(1 - _RELAXATION, side.products).plus(1.0, side.products_dual)
        levels, vectors = np.linalg.eigh(relaxed)
        positive = levels > 0
        side.matrix = (vectors[:, positive] * levels[positive]) @ vectors[:, positive].T
        side.matrix_dual = relaxed - side.matrix
        side.products = self.cone.project(products)
        side.products_dual = products.plus(-1.0, side.products)

    def upper_bound(self) -> float:
        """Return a proven upper bound on ``Phi`` of ``lam``, by the current multipliers: near beta, if all is well."""
        return max(self._upper_bound(side) for side in self._sides) + self._space.allowance(self.lam)

    def lower_bound(self) -> float:
        """Return the lower bound that the current multipliers prove, and adapt the step to what they lack."""
        upper = self.upper_bound()
        excess = upper / self._problem.beta - 1
        if excess > _TOO_FAR:
            self._scale_step(0.8)
        elif excess < _TOO_NEAR:
            self._scale_step(1.25)
        return dual_bound(self._problem, self.lam, upper)

    def _scale_step(self, factor: float) -> None:
        self._step *= factor
        for side in self._sides:
            side.matrix_dual = side.matrix_dual / factor
            side.products_dual = side.products_dual.times(1 / factor)

    def _upper_bound(self, side: _Side) -> float:
        """Return a proven upper bound on ``phi(s lam)``.

        With ``b = h - X u / 2 = |X u| / 2``, a unit neuron has ``|u|^2 <= r`` and ``|b|^2 <= r spread / 4`` in
        scaled coordinates. If ``R + eps (f e_1 e_1^T + f I_u / r + 4 I_b / (r spread))`` is PSD in (1, u, b), then
        ``s lam^T h <= beta + eps (2 f + 1)``.
        """
        n, r = self.cone.shape
        Z = self.cone.project_multipliers(side.products_dual.times(-self._step * _WEIGHT))
        R = self._slack(Z, side.sign)
        R[:, 1 : 1 + r] += 0.5 * R[:, 1 + r :] @ self.cone.rows
        R[1 : 1 + r] += 0.5 * self.cone.rows.T @ R[1 + r :]
        lengths = np.concatenate([[1.0], np.full(r, r), np.full(n, r * self.cone.spread / 4)])
        repairs = []
        for factor in _REPAIRS:
            root = np.sqrt(lengths / np.where(np.arange(len(R)) <= r, factor, 1.0))
            scaled = root[:, None] * R * root
            error = 4 * len(R) * _EPS * float(np.linalg.norm(scaled))  # of the eigenvalue
            repairs.append((2 * factor + 1) * max(0.0, error - float(np.linalg.eigvalsh(scaled)[0])))
        # R's own rounding: sums of n terms in G^T Z G, of size (n + 3) |Z| at most before signs cancel
        size = self._problem.beta + float(np.linalg.norm(self._c * self.lam)) + (n + 3) * Z.norm()
        rounding = 8 * (n + r + 8) * _EPS * (2 + self.cone.spread / 2) * size
        return self._problem.beta + min(repairs) + rounding * (1 + r + r * self.cone.spread / 4)
