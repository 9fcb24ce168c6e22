import cvxpy as cp
import numpy as np
import pytest


@pytest.fixture
def cross(instances):
    return instances[-1].optimal


def test_the_best_element_on_other_data_is_the_optimum_of_its_convex_problem(instances):
    rng = np.random.default_rng(0)
    for instance in instances[2::4]:
        optimal = instance.optimal
        X = rng.standard_normal((12, optimal.problem.n_features))
        y = np.sign(rng.standard_normal(12))
        network = optimal.best_on(X, y)
        loss = optimal.problem.loss
        found = loss.value(network.predict(X), y)
        c = cp.Variable(optimal.n_directions, nonneg=True)
        predictions = optimal.base + optimal.activations(X) @ c
        same = [optimal.polytope.columns @ c == optimal.polytope.image]
        statement = cp.Problem(cp.Minimize(loss.to_cvxpy(predictions, y)), same)
        statement.solve(solver=cp.CLARABEL)
        # The reference meets its equations to 1e-8 only, which its values feel.
        assert found == pytest.approx(statement.value, rel=1e-5, abs=1e-5), instance.name
        assert optimal.contains(network), instance.name


def test_choosing_recovers_the_function_that_made_the_data(cross):
    """On the cross optimal networks form a segment; each is told by its values off the axes."""
    X = np.random.default_rng(0).standard_normal((30, 2))
    ends = cross.vertices()
    target = cross.network(0.25 * ends[0] + 0.75 * ends[1])
    chosen = cross.best_on(X, target.predict(X), loss="squared")
    np.testing.assert_allclose(chosen.predict(X), target.predict(X), atol=1e-6)
    worst = max(np.mean((cross.network(v).predict(X) - target.predict(X)) ** 2) for v in ends)
    assert worst > 0.01


def test_the_best_of_candidates_has_the_highest_score(cross):
    X = np.array([[1.0, 1.0]])
    highest = cross.best(lambda network: float(network.predict(X)[0]))
    lowest = cross.best(lambda network: -float(network.predict(X)[0]))
    low, high = cross.prediction_range(X)[0]
    assert float(highest.predict(X)[0]) == pytest.approx(high, abs=1e-9)
    assert float(lowest.predict(X)[0]) == pytest.approx(low, abs=1e-9)
    assert high - low > 0.1


def test_predictions_stay_in_their_range(instances):
    rng = np.random.default_rng(0)
    for instance in instances[::5]:
        optimal = instance.optimal
        X = rng.standard_normal((4, optimal.problem.n_features))
        low, high = optimal.prediction_range(X).T
        for seed in range(3):
            f = optimal.sample(seed).predict(X)
            assert np.all((f >= low - 1e-8) & (f <= high + 1e-8)), instance.name
        width = optimal.prediction_range(optimal.problem.X)
        np.testing.assert_allclose(width[:, 1] - width[:, 0], 0.0, atol=1e-8)


def test_data_of_another_width_are_refused(cross):
    with pytest.raises(ValueError, match="X must have 2 columns"):
        cross.best_on(np.ones((2, 3)), np.ones(2))
    with pytest.raises(ValueError, match="X must have 2 columns"):
        cross.prediction_range(np.ones((2, 3)))
    with pytest.raises(ValueError, match="n_samples"):
        cross.best(lambda network: 0.0, n_samples=-1)
