"""Programs with given output weights: choices counted, optima beside Clarabel, inner points of flat optima."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest

from cvxnn import Problem
from cvxnn.landscape.optimum.fixed_outputs import FixedOutputs


def reference(problem, output, masks):
    U = cp.Variable((problem.n_features, len(output)))
    Z = problem.X @ U
    f = cp.sum(cp.multiply(masks * output, Z), axis=1)
    cones = [cp.multiply(np.where(masks, 1.0, -1.0), Z) >= 0]
    loss = problem.loss.to_cvxpy(f, problem.y)
    return float(
        cp.Problem(cp.Minimize(loss + 0.5 * problem.beta * cp.sum_squares(U)), cones).solve(cp.CLARABEL)
    )


def test_equal_output_weights_can_trade_places():
    problem = Problem([[1.0, 0.0], [0.0, 1.0]], [1.0, 2.0], 0.1)  # four cells
    for output, count in (([1.0, 1.0], 10), ([1.0, 2.0], 16), ([1.0, 1.0, 2.0], 40)):
        programs = FixedOutputs.of(problem, np.array(output), len(output))
        choices = {tuple(cells) for cells in programs.choices()}
        assert (len(choices), programs.count) == (count, count)


@pytest.mark.parametrize("beta", [0.0, 0.2])
def test_optima_are_those_of_clarabel(beta):
    rng = np.random.default_rng(4)
    problem = Problem(rng.standard_normal((3, 2)), rng.standard_normal(3), beta)
    output = np.array([1.0, -2.0])
    programs = FixedOutputs.of(problem, output, 2)
    for cells in programs.choices():
        network, kinks = programs.optimum(cells)
        masks = programs.masks[:, cells]
        margins = np.where(masks, 1.0, -1.0) * (problem.X @ network.hidden)
        assert np.min(margins) >= -1e-12
        assert np.max(np.abs(margins[kinks]), initial=0.0) <= 1e-12
        penalty_of_outputs = 0.5 * beta * float(np.sum(output**2))
        expected = reference(problem, output, masks) + penalty_of_outputs
        assert problem.objective(network) == pytest.approx(expected, abs=1e-7)  # Clarabel's tolerance is 1e-8


def test_of_many_optima_it_takes_one_off_the_kinks():
    # u_1 + u_2 = 2, both >= 0: the ends have a neuron at zero.
    problem = Problem([[-1.0], [1.0]], [1.0, 2.0], 0.0)
    programs = FixedOutputs.of(problem, np.ones(2), 2)
    active = int(np.flatnonzero(programs.masks[1])[0])
    network, kinks = programs.optimum(np.array([active, active]))
    assert np.all(network.hidden > 0.1)
    assert not kinks.any()
    assert network.hidden.sum() == pytest.approx(2.0, abs=1e-12)
