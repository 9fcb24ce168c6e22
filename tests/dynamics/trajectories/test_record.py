"""Records of one's own: a name and a measurement of each network."""

from dataclasses import dataclass

import numpy as np
import pytest

from cvxnn import Problem
from cvxnn.dynamics import Record, gradient_flow, simulate
from cvxnn.dynamics.initialisation import he


@dataclass(frozen=True)
class PathNorm(Record):
    name: str = "path_norm"

    def measure(self, objective, weights):
        return np.sum(np.linalg.norm(weights.hidden, axis=1) * np.abs(weights.output), axis=1)


def test_a_record_of_ones_own_is_measured_along_descent_and_flow(rng):
    problem = Problem(rng.standard_normal((6, 2)), rng.standard_normal(6), 0.1)
    start = he(2, 4, n_networks=3)
    descent = simulate(problem, start, n_steps=20, step_size=0.01, record=PathNorm(), n_records=5)
    flow = gradient_flow(problem, start, t_end=0.2, record=PathNorm(), n_records=5)
    assert descent["path_norm"].shape == flow["path_norm"].shape == (5, 3)
    ends = [descent.final.network(b).path_norm for b in range(3)]
    np.testing.assert_allclose(descent["path_norm"][-1], ends, rtol=1e-12)
    # Twenty steps of 0.01 follow the flow to first order.
    np.testing.assert_allclose(descent["path_norm"][-1], flow["path_norm"][-1], rtol=0.05)


def test_a_record_must_have_a_name_and_a_measurement():
    class Nameless(Record):
        def measure(self, objective, weights):
            return weights.penalty

    with pytest.raises(TypeError, match="abstract"):
        Nameless()
