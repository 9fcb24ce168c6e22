"""A result tells what it is."""

from cvxnn import Problem, train


def test_repr_shows_network_objective_bound_and_status():
    text = repr(train(Problem([[1.0]], [1.0], 0.5)))
    for part in ("1 neuron", "objective=0.375", "lower_bound=0.37", "PROVEN"):
        assert part in text
