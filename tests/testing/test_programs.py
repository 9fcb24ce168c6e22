"""Planted faults: every law of programs and of their cones rejects a program that breaks it."""

from __future__ import annotations

import numpy as np
import pytest

from cvxnn import Problem, ReLUNetwork, ReLUProgram, enumerate_patterns, solve
from cvxnn.programs import Statement
from cvxnn.testing import (
    check_adjoint,
    check_blocks_to_network,
    check_critical_beta,
    check_dual_scaling,
    check_free_directions,
    check_images,
    check_network_to_blocks,
    check_projection,
    check_prox,
    check_prox_by_cvxpy,
    check_weak_duality,
    samplers,
)

rng = np.random.default_rng(5)
X = samplers.with_bias_column(rng, 6, 3)
problem = Problem(X, rng.standard_normal(6), beta=0.1)
masks = np.asarray(enumerate_patterns(X))
V, lam = rng.standard_normal((3, 2 * masks.shape[1])), rng.standard_normal(6)


class WithoutSigns(ReLUProgram):
    def adjoint(self, lam):
        return super().adjoint(lam) * self.signs


class ImagesWithoutMasks(ReLUProgram):
    def images(self, blocks, directions):
        return (self.problem.X @ directions) * self.signs[blocks]


class DoesNotProject(ReLUProgram):
    def project(self, V, sets=None, blocks=None, negligible=0.0):
        return V if blocks is None else V[:, blocks]


class ProjectsOnZero(ReLUProgram):
    def project(self, V, sets=None, blocks=None, negligible=0.0):
        return 0.0 * (V if blocks is None else V[:, blocks])


class ProjectsTooShort(ReLUProgram):
    def project(self, V, sets=None, blocks=None, negligible=0.0):
        return 0.999 * super().project(V, sets, blocks, negligible)


class ProjectsOnRay(ReLUProgram):
    """Projects on the ray of one interior vector of each cone: a smaller cone."""

    def project(self, V, sets=None, blocks=None, negligible=0.0):
        gates = np.hstack([enumerate_patterns(X).gates] * 2)
        gates = gates / np.linalg.norm(gates, axis=0)
        T = gates * np.maximum(np.sum(gates * V, axis=0), 0.0)
        return T if blocks is None else T[:, blocks]


class ClipsOneRow(ReLUProgram):
    """Projects on the half-space of the most violated row, then of the next, and stops."""

    def project(self, V, sets=None, blocks=None, negligible=0.0):
        T = np.array(V if blocks is None else V[:, blocks])
        chosen = self.masks if blocks is None else self.masks[:, blocks]
        for i in np.arange(len(X)):
            side = np.where(chosen[i], 1.0, -1.0)
            T -= np.outer(X[i], side) * np.minimum(side * (X[i] @ T), 0.0) / (X[i] @ X[i])
        return T


class TrustsWorkingSets(ReLUProgram):
    """Shortens what it projects once it remembers rows of other points."""

    def project(self, V, sets=None, blocks=None, negligible=0.0):
        remembers = sets is not None and sets.counts.any()
        return super().project(V, sets, blocks, negligible) * (0.9 if remembers else 1.0)


class AllDirectionsFree(ReLUProgram):
    def free_directions(self, sets, block):
        return np.eye(self.problem.n_features)


class BasesInAnotherOrder(ReLUProgram):
    def face_bases(self, sets, blocks):
        owners, directions = super().face_bases(sets, blocks)
        return owners[::-1], directions


class NormalsOfAnotherFace(ReLUProgram):
    def face_normals(self, sets, blocks):
        owners, normals = super().face_normals(sets, blocks)
        return owners, normals[::-1]


class NegligibleIsEverything(ReLUProgram):
    def project(self, V, sets=None, blocks=None, negligible=0.0):
        return super().project(V, sets, blocks) * (negligible == 0.0)


class NegligibleIsOutside(ReLUProgram):
    def project(self, V, sets=None, blocks=None, negligible=0.0):
        return (
            super().project(V, sets, blocks) if negligible == 0.0 else V if blocks is None else V[:, blocks]
        )


class ScaledDirections(ReLUProgram):
    def free_directions(self, sets, block):
        return 2.0 * super().free_directions(sets, block)


class ProxWithoutShrinkage(ReLUProgram):
    def prox(self, V, step, sets=None):
        return self.project(V, sets)


class ShrinksBeforeProjecting(ReLUProgram):
    def prox(self, V, step, sets=None):
        norms = np.linalg.norm(V, axis=0)
        return self.project(V * np.maximum(0.0, 1.0 - step * self.problem.beta / norms), sets)


class ProxForgetsStep(ReLUProgram):
    def prox(self, V, step, sets=None):
        return super().prox(V, 1.0, sets)


class UnscaledDual(ReLUProgram):
    def dual_bound(self, lam, sets=None):
        return max(0.0, self.problem.dual_objective(lam))


class NegativeBound(ReLUProgram):
    def dual_bound(self, lam, sets=None):
        return -1.0


class WastefulBound(ReLUProgram):
    """Valid but loose: scales by the unconstrained norms."""

    def dual_bound(self, lam, sets=None):
        norm = np.max(np.linalg.norm(self.adjoint(lam), axis=0))
        t = self.problem.loss.best_dual_scale(lam, self.target, self.problem.beta / norm)
        return max(0.0, self.problem.dual_objective(t * lam))


class UnconstrainedCriticalBeta(ReLUProgram):
    def critical_beta(self, lam, sets=None):
        return float(np.max(np.linalg.norm(self.adjoint(lam), axis=0)))


class HalvesCriticalBeta(ReLUProgram):
    def critical_beta(self, lam, sets=None):
        return 0.5 * super().critical_beta(lam)


class UnbalancedNetwork(ReLUProgram):
    def to_network(self, W, offset=None):
        network = super().to_network(W, offset)
        return ReLUNetwork(2 * network.hidden, network.output / 2, network.offset)


class NetworkWithoutSigns(ReLUProgram):
    def to_network(self, W, offset=None):
        network = super().to_network(W, offset)
        return ReLUNetwork(network.hidden, np.abs(network.output), network.offset)


class PenaltyWithoutHalf(ReLUProgram):
    def penalty(self, W):
        return 2.0 * super().penalty(W)


class SquaredPenalty(ReLUProgram):
    def penalty(self, W):
        return self.problem.beta * float(np.sum(W**2))


class BlocksOfOutputs(ReLUProgram):
    def to_blocks(self, network):
        return super().to_blocks(ReLUNetwork(network.hidden, np.sign(network.output), network.offset))


class BlocksOutside(ReLUProgram):
    def to_blocks(self, network):
        W = super().to_blocks(network)
        return np.roll(W, 1, axis=1)


class StatedWithoutCones(ReLUProgram):
    def to_cvxpy(self):
        statement = super().to_cvxpy()
        return Statement(
            type(statement.problem)(statement.problem.objective, [statement.fit]),
            statement.blocks,
            statement.offset,
            statement.fit,
        )


good = solve(
    ReLUProgram(problem, masks), tol=1e-3
).blocks  # weak duality only bites where the objective is low
# One neuron in each of four cells.
network = ReLUNetwork(enumerate_patterns(X).gates[:, :4], [1.0, -2.0, 0.3, 0.1]).balance()


def source():
    return np.random.default_rng(0)


FAULTS = [
    (lambda p: check_adjoint(p, V, lam), WithoutSigns, "must equal"),
    (lambda p: check_images(p, V), ImagesWithoutMasks, "add up to forward"),
    (lambda p: check_projection(p, V, source()), DoesNotProject, "lie in their cones"),
    (lambda p: check_projection(p, V, source()), ProjectsTooShort, "orthogonal"),
    (lambda p: check_projection(p, V, source()), ClipsOneRow, "orthogonal|cones"),
    (lambda p: check_projection(p, V, source()), TrustsWorkingSets, "working sets"),
    (lambda p: check_prox_by_cvxpy(p, V, 1.0), ProjectsOnZero, "CVXPY"),
    (lambda p: check_prox_by_cvxpy(p, V, 1.0), ProjectsOnRay, "CVXPY"),
    (lambda p: check_prox_by_cvxpy(p, V, 1.0), StatedWithoutCones, "CVXPY"),
    (lambda p: check_free_directions(p, V), AllDirectionsFree, "linear on its face"),
    (lambda p: check_free_directions(p, V), ScaledDirections, "orthonormal"),
    (lambda p: check_free_directions(p, V), BasesInAnotherOrder, "side by side"),
    (lambda p: check_free_directions(p, V), NormalsOfAnotherFace, "face_normals must span"),
    (lambda p: check_projection(p, V, source()), NegligibleIsEverything, "not negligible"),
    (lambda p: check_projection(p, V, source()), NegligibleIsOutside, "negligible"),
    (lambda p: check_prox(p, V, 3.0, source()), ProxWithoutShrinkage, "minimise"),
    (lambda p: check_prox(p, V, 3.0, source()), ShrinksBeforeProjecting, "minimise"),
    (lambda p: check_prox(p, V, 3.0, source()), ProxForgetsStep, "minimise"),
    (lambda p: check_prox(p, V, 3.0, source()), DoesNotProject, "lie in their cones"),
    (lambda p: check_weak_duality(p, good, problem.y), UnscaledDual, "exceed an objective"),
    (lambda p: check_weak_duality(p, V, problem.y), NegativeBound, "non-negative"),
    (lambda p: check_dual_scaling(p, problem.y), WastefulBound, "all of the scale"),
    (lambda p: check_dual_scaling(p, problem.y), UnscaledDual, "feasible scales"),
    (lambda p: check_dual_scaling(p, problem.y), UnconstrainedCriticalBeta, "largest norm"),
    (lambda p: check_blocks_to_network(p, V), UnbalancedNetwork, "objective"),
    (lambda p: check_blocks_to_network(p, V), NetworkWithoutSigns, "predictions"),
    (lambda p: check_blocks_to_network(p, V), PenaltyWithoutHalf, "keep the objective"),
    (lambda p: check_network_to_blocks(p, network, keeps=True), BlocksOfOutputs, "predictions"),
    (lambda p: check_network_to_blocks(p, network, keeps=True), BlocksOutside, "cones"),
    (lambda p: check_network_to_blocks(p, network, keeps=True), PenaltyWithoutHalf, "raise the objective"),
    (lambda p: check_network_to_blocks(p, network, keeps=True), SquaredPenalty, "the objective"),
]


@pytest.mark.parametrize(
    ("check", "wrong", "message"),
    FAULTS,
    ids=[f"{k}-{wrong.__name__}" for k, (_, wrong, _) in enumerate(FAULTS)],
)
def test_the_law_rejects(check, wrong, message):
    check(ReLUProgram(problem, masks))
    with pytest.raises(AssertionError, match=message):
        check(wrong(problem, masks))


@pytest.mark.parametrize("wrong", [UnconstrainedCriticalBeta, HalvesCriticalBeta])
def test_the_law_of_the_critical_beta_rejects(wrong):
    check_critical_beta(lambda beta: ReLUProgram(problem.with_beta(beta), masks))
    with pytest.raises(AssertionError, match="critical_beta"):
        check_critical_beta(lambda beta: wrong(problem.with_beta(beta), masks))
