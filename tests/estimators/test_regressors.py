"""What ReLU and gated regressors share: several outputs, losses, weights of samples, gates; a real table."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cvxnn import GatedReLUNetwork, GatedReLURegressor, Problem, ReLURegressor, beta_max, sample_patterns
from cvxnn.datasets import load_uci
from cvxnn.losses import HuberLoss, QuantileLoss
from cvxnn.programs import GatedReLUProgram

KINDS = [ReLURegressor(beta_ratio=0.05, tol=1e-2), GatedReLURegressor(n_gates=100, beta_ratio=0.05)]


@pytest.fixture(params=KINDS, ids=lambda model: type(model).__name__)
def model(request):
    return clone(request.param)


@pytest.fixture(scope="module")
def outputs(table):
    """Give X, and targets of three scales."""
    X, distance = table
    return X, np.column_stack([distance, 1e3 * distance - 50.0, X[:, 1] * 1e-3])


def test_several_outputs_are_predicted_in_their_own_units(model, outputs):
    X, Y = outputs
    model.fit(X, Y)
    assert model.predict(X).shape == (60, 3)
    assert np.min(r2_score(Y, model.predict(X), multioutput="raw_values")) > 0.8
    raw = np.hstack([X, np.ones((60, 1))])
    np.testing.assert_allclose(model.network_.predict(raw), model.predict(X), rtol=1e-12)
    inside = model.result_.network.predict(model.problem_.X) * Y.std(axis=0) + Y.mean(axis=0)
    np.testing.assert_allclose(model.predict(X), inside, rtol=1e-7)


def test_one_column_is_the_same_as_a_vector(model, table):
    X, y = table
    vector, column = clone(model).fit(X, y), model.fit(X, y[:, None])
    assert column.predict(X).shape == (60, 1)
    np.testing.assert_allclose(column.predict(X)[:, 0], vector.predict(X), rtol=1e-9)


def test_robust_losses_do_not_follow_outliers(model, table):
    X, y = table
    wild = y.copy()
    wild[::10] += 30.0
    squared = clone(model).fit(X, wild).predict(X)
    robust = model.set_params(loss=HuberLoss(delta=0.05)).fit(X, wild).predict(X)
    assert np.median(np.abs(robust - y)) < 0.5 * np.median(np.abs(squared - y))


def test_quantiles_leave_their_share_below(table):
    X, y = table
    noisy = y + np.random.default_rng(0).exponential(1.0, 60)
    model = GatedReLURegressor(loss=QuantileLoss(0.8), n_gates=30, beta_ratio=0.2).fit(X, noisy)
    # The offset is free, so that the share below is the level, but for the samples that are met exactly.
    assert abs(np.mean(noisy < model.predict(X)) - 0.8) < 0.15


def test_a_sample_of_weight_two_is_two_samples(model, outputs):
    X, Y = outputs
    counts = np.random.default_rng(0).integers(0, 5, 60)
    weighted = clone(model).fit(X, Y, sample_weight=counts)
    repeated = model.fit(np.repeat(X, counts, axis=0), np.repeat(Y, counts, axis=0))
    np.testing.assert_array_equal(weighted.network_.hidden, repeated.network_.hidden)
    assert weighted.beta_ == repeated.beta_


def test_weights_of_any_scale_give_the_same_network(model, table):
    X, y = table
    weights = np.random.default_rng(0).uniform(0.5, 2.0, 60)
    one, other = clone(model).fit(X, y, weights), model.fit(X, y, 64.0 * weights)
    assert other.beta_ == pytest.approx(64.0 * one.beta_)
    # Within tol of one optimum.
    assert other.objective_ == pytest.approx(64.0 * one.objective_, rel=2e-2)


def test_gated_plain_settings_solve_exactly_the_program_given(table):
    X, y = table
    model = GatedReLURegressor(
        n_gates=20, beta=50.0, fit_intercept=False, standardize=False, random_state=7, tol=1e-6
    ).fit(X, y)
    problem = Problem(X, y, 50.0)
    penalty = 50.0 * model.network_.weight_decay
    f = model.network_.predict(X)
    assert model.objective_ == pytest.approx(problem.loss_value(f, np.zeros(1)) + penalty, rel=1e-9)
    statement = GatedReLUProgram(problem, model.result_.program.patterns).to_cvxpy()
    statement.problem.solve(solver="CLARABEL")
    assert model.objective_ == pytest.approx(statement.problem.value, rel=1e-5)
    assert model.certificate_.scope == "program"
    assert isinstance(model.network_, GatedReLUNetwork)


def test_gates_are_drawn_from_the_seed(table):
    X, y = table
    one, same, other = (
        GatedReLURegressor(n_gates=10, random_state=seed).fit(X, y).network_.gates for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one[:, :3], other[:, :3])


def test_the_gated_ratio_is_of_the_gated_critical_beta(table):
    X, y = table
    assert GatedReLURegressor(beta_ratio=1.001).fit(X, y).network_.n_neurons == 0
    model = GatedReLURegressor(beta_ratio=0.98).fit(X, y)
    assert model.network_.n_neurons > 0
    # With all gates it would be at least the network's: there are no cones. Some gates find most of it.
    assert model.beta_ / 0.98 > 0.8 * beta_max(model.problem_)
    assert len(model.result_.program.patterns) <= len(sample_patterns(model.problem_.X, 500))


def test_a_limit_of_time_leaves_a_network(model, outputs):
    model.set_params(max_seconds=1e-3).fit(*outputs)
    assert np.all(np.isfinite(model.predict(outputs[0])))


def test_sparse_data_are_refused(model, table):
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        model.fit(sparse.csr_matrix(table[0]), table[1])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore", category=ConvergenceWarning)
def test_concrete_is_predicted_better_than_by_the_default_mlp(data_home):
    table = load_uci("concrete", data_home=data_home)
    mlp = TransformedTargetRegressor(
        make_pipeline(StandardScaler(), MLPRegressor(random_state=0)), transformer=StandardScaler()
    )
    ours, theirs = [], []
    for seed in range(5):
        X, X_test, y, y_test = train_test_split(table.X, table.y, test_size=0.2, random_state=seed)
        model = ReLURegressor().fit(X, y)
        ours.append(model.score(X_test, y_test))
        theirs.append(mlp.fit(X, y).score(X_test, y_test))
        # The certificate is honest: the bound is proven, and what only a search says is kept apart from it.
        assert 0 < model.lower_bound_ < model.objective_
        assert not model.certificate_.proven
        # Training ends where 0.03 of the violation is below tol, or no more than tol is left.
        assert model.certificate_.search_violation <= 1e-2 / 0.03
    assert np.mean(ours) > np.mean(theirs)
