"""Equal problems that the bounds are simpler for: without idle rows, needless weights, and needless columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxnn.losses import MultinomialLoss, SquaredLoss
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem
from cvxnn.validation import Array


@dataclass(frozen=True, eq=False)
class Task:
    """A problem, the dual variable to start from, and the network to compare with.

    Parameters
    ----------
    problem : Problem
        The training problem.
    lam : ndarray, shape of y
        A dual variable in the domain of the loss's conjugate, balanced where there is an offset.
    network : ReLUNetwork, optional
        A network of the problem's shapes.
    """

    problem: Problem
    lam: Array
    network: ReLUNetwork | None = None

    def standardised(self) -> Task:
        """Return a task with the same optimum, proofs and values of the dual constraint.

        One output is stated with targets of shape (n,). Samples of weight zero are left out, and with them their dual
        variables, which are zero. The squared loss with weights and without an offset is the one without weights, of
        rows and targets times ``sqrt(w_i)``: a ReLU takes a positive factor out.
        """
        return self._flat()._without_idle_rows()._without_weights()

    def outputs(self) -> list[Task]:
        """Return the tasks whose optima sum to this one's: one for each output, where they are independent."""
        problem, network = self.problem, self.network
        is_sum = problem.output_norm == "l1" and not isinstance(problem.loss, MultinomialLoss)
        if problem.n_outputs == 1 or not is_sum:
            return [self]
        tasks = []
        for c in range(problem.n_outputs):
            of_output = None
            if network is not None:
                offset = network.offset[c : c + 1]
                of_output = ReLUNetwork(network.hidden, network.output_weights[:, c], offset)
            tasks.append(Task(problem.with_targets(problem.targets[:, c]), self.lam[:, c], of_output))
        return tasks

    def _flat(self) -> Task:
        problem, network = self.problem.flat(), self.network
        network = None if network is None else network.like(problem.y)
        return Task(problem, self.lam.reshape(problem.y.shape), network)

    def _without_idle_rows(self) -> Task:
        weights = self.problem.sample_weight
        if weights is None or np.all(weights > 0):
            return self
        used = weights > 0
        return self._with_rows(self.problem.X[used], self.problem.y[used], weights[used], self.lam[used])

    def _without_weights(self) -> Task:
        problem, weights = self.problem, self.problem.sample_weight
        if weights is None or problem.output_offset or not isinstance(problem.loss, SquaredLoss):
            return self
        roots = np.sqrt(weights)
        columns = roots.reshape(-1, *[1] * (problem.y.ndim - 1))
        return self._with_rows(problem.X * roots[:, None], problem.y * columns, None, self.lam / columns)

    def _with_rows(self, X: Array, y: Array, weights: Array | None, lam: Array) -> Task:
        p = self.problem
        other = Problem(X, y, p.beta, p.loss, p.output_offset, weights, p.output_norm)
        return Task(other, lam, self.network)
