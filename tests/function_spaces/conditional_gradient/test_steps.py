"""The rules by which conditional gradient moves."""

import numpy as np
import pytest

from cvxnn.function_spaces.conditional_gradient.combinations import Combination
from cvxnn.function_spaces.conditional_gradient.hull import slope
from cvxnn.function_spaces.conditional_gradient.method import ConditionalGradient, smooth_problem
from cvxnn.function_spaces.conditional_gradient.steps import take_step
from cvxnn.function_spaces.oracles.neuron_oracles import neuron_oracle
from cvxnn.function_spaces.unit_norm.unit_networks import UnitNetwork


def drawn(seed, n=8, d=2):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)), rng.standard_normal(n)


@pytest.mark.parametrize("degree", [0, 1, 2])
def test_from_one_point_each_rule_is_below_the_next(degree):
    # A theorem, unlike the comparison of whole runs: the hull holds the segment, and the segment the fixed step.
    problem = smooth_problem(*drawn(4), "squared", None)
    oracle = neuron_oracle(problem.X, degree)
    start = UnitNetwork(np.zeros((2, 0)), np.zeros(0), degree)
    at = Combination.of(start, problem.X, 1.5)
    for t in range(1, 15):
        joined, place = at.join(problem.X, oracle.maximise(-slope(problem, at.values)))
        rules = ("fully_corrective", "line_search", "fixed")
        ends = [take_step(rule, problem, joined, place, t).to for rule in rules]
        values = [problem.loss_value(end.values, np.zeros(1)) for end in ends]
        assert values[0] <= values[1] * (1 + 1e-12)
        assert values[1] <= values[2] * (1 + 1e-12)
        at = ends[t % 3]


def test_away_steps_drop_neurons():
    X, y = drawn(3, n=12)
    run = ConditionalGradient(1.0, "away", 0, max_steps=300, tol=1e-9).run(X, y)
    kinds = [record.kind for record in run.history]
    assert "away" in kinds
    assert "drop" in kinds
    assert run.status.name == "PROVEN"
    assert all(a >= b - 1e-12 for a, b in zip(run.objectives, run.objectives[1:], strict=False))
