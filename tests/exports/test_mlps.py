"""scikit-learn's perceptrons: fitted, with the network's predictions, and from models that scikit-learn trained."""

import pickle
import warnings

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils.validation import check_is_fitted

from cvxnn import Problem, ReLUNetwork, certify
from cvxnn.datasets import load_diabetes
from cvxnn.exports import from_mlp, to_mlp_classifier, to_mlp_regressor

NETWORK = ReLUNetwork([[1.0, -1.0], [0.5, 2.0]], [1.0, 2.0])


def with_ones(columns):
    return np.hstack([columns, np.ones((len(columns), 1))])


def fitted(model, X, y):
    """Train for a few iterations, whatever scikit-learn thinks of how few."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, y)


def same_attributes(exported, trained):
    """Return the attributes that a model of scikit-learn's own training has and an exported one lacks."""
    return {name for name in vars(trained) if name not in vars(exported)}


def test_a_regressor_computes_the_networks_function(case):
    model = to_mlp_regressor(case.network, hidden_bias=case.hidden_bias)
    check_is_fitted(model)
    found = model.predict(case.columns)
    assert found.shape == ((12,) if case.network.n_outputs == 1 else case.expected.shape)
    assert np.all(np.abs(found.reshape(case.expected.shape) - case.expected) <= case.tolerance("float64"))


def test_there_and_back_keeps_every_bit(case):
    network = from_mlp(to_mlp_regressor(case.network, hidden_bias=case.hidden_bias))
    d = case.columns.shape[1]
    bias = case.network.hidden[d] if case.hidden_bias else np.zeros(case.network.n_neurons)
    np.testing.assert_array_equal(network.hidden, np.vstack([case.network.hidden[:d], bias]))
    np.testing.assert_array_equal(network.output.reshape(case.network.output.shape), case.network.output)
    np.testing.assert_array_equal(network.offset, case.network.offset)


def test_an_estimator_on_raw_data(diabetes_model):
    X = load_diabetes().X
    expected = diabetes_model.predict(X)
    model = to_mlp_regressor(diabetes_model.network_, hidden_bias=True)
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-9)
    assert model.score(X, load_diabetes().y) == pytest.approx(diabetes_model.score(X, load_diabetes().y))


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_two_classes(rng, n_outputs):
    columns = rng.standard_normal((50, 3))
    network = ReLUNetwork(
        rng.standard_normal((4, 6)), rng.standard_normal((6, n_outputs)), [0.1, -0.2][:n_outputs]
    )
    model = to_mlp_classifier(network, ["no", "yes"], hidden_bias=True)
    f = network.predict(with_ones(columns))
    decision = f[:, 0] if n_outputs == 1 else f[:, 1] - f[:, 0]
    assert model.predict(columns).tolist() == np.where(decision > 0, "yes", "no").tolist()
    np.testing.assert_allclose(model.predict_proba(columns)[:, 1], expit(decision), rtol=1e-9)
    assert 0 < np.mean(decision > 0) < 1


def test_several_classes(rng):
    columns = rng.standard_normal((50, 3))
    network = ReLUNetwork(rng.standard_normal((3, 6)), rng.standard_normal((6, 4)), rng.standard_normal(4))
    model = to_mlp_classifier(network, [2, 3, 5, 7])
    f = network.predict(columns)
    assert model.predict(columns).tolist() == np.array([2, 3, 5, 7])[f.argmax(axis=1)].tolist()
    np.testing.assert_allclose(model.predict_proba(columns), softmax(f, axis=1), rtol=1e-9)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_classifier_there_and_back(rng, n_classes):
    n_outputs = 1 if n_classes == 2 else n_classes
    network = ReLUNetwork(
        rng.standard_normal((3, 6)), rng.standard_normal((6, n_outputs)), np.ones(n_outputs)
    )
    again = from_mlp(to_mlp_classifier(network, range(n_classes), hidden_bias=True))
    np.testing.assert_array_equal(again.hidden, network.hidden)
    np.testing.assert_array_equal(again.output.reshape(6, n_outputs), network.output)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_exported_models_lack_nothing_that_prediction_or_training_reads(solver):
    X, y = load_iris(return_X_y=True)
    network = ReLUNetwork(np.ones((4, 3)), np.ones((3, 3)))
    pairs = [
        (to_mlp_regressor(ReLUNetwork(np.ones((4, 3)), np.ones(3))), fitted(MLPRegressor(max_iter=2), X, y)),
        (to_mlp_classifier(network, [0, 1, 2]), fitted(MLPClassifier(max_iter=2), X, y)),
    ]
    for exported, trained in pairs:
        # The state of a run of the solver, the weights that early stopping goes back to, and the loss it reached.
        run = {"_optimizer", "_random_state", "_best_coefs", "_best_intercepts", "loss_"}
        assert same_attributes(exported, trained) <= run
        exported.set_params(solver=solver, warm_start=True, max_iter=2)
        assert np.all(np.isfinite(fitted(exported, X, y).predict(X)))


@pytest.mark.parametrize("proceed", ["partial_fit", "warm start"])
def test_training_goes_on_from_the_networks_weights(diabetes_model, proceed):
    data = load_diabetes()
    model = to_mlp_regressor(diabetes_model.network_, hidden_bias=True)
    model.set_params(learning_rate_init=1e-9, max_iter=1)
    before = model.predict(data.X)
    if proceed == "partial_fit":
        model.partial_fit(data.X, data.y)
    else:
        fitted(model.set_params(warm_start=True), data.X, data.y)
    # Steps of 1e-9 in each of some hundred weights, on features of some hundreds: fresh weights would be far off.
    assert np.any(model.predict(data.X) != before)
    np.testing.assert_allclose(model.predict(data.X), before, rtol=1e-3)
    assert (model.n_iter_, model.t_) == (1, 442)


def test_a_classifier_goes_on_training():
    X, y = load_iris(return_X_y=True)
    network = ReLUNetwork(np.ones((4, 3)), np.ones((3, 3)))
    model = to_mlp_classifier(network, [0, 1, 2]).partial_fit(X, y)
    assert model.n_iter_ == 1


def test_the_networks_weights_are_not_shared_with_the_model():
    model = to_mlp_regressor(NETWORK)
    network = from_mlp(model)
    for array in (*model.coefs_, *model.intercepts_):
        array[...] = 0.0
    np.testing.assert_array_equal(network.hidden[:2], NETWORK.hidden)
    np.testing.assert_array_equal(network.output, NETWORK.output)


def test_models_pickle():
    model = pickle.loads(pickle.dumps(to_mlp_classifier(NETWORK, ["a", "b"])))
    assert model.predict([[-1.0, 0.0]]).tolist() == ["b"]


def test_a_trained_regressor_becomes_a_network():
    data = load_diabetes()
    X, y = (data.X - data.X.mean(0)) / data.X.std(0), (data.y - data.y.mean()) / data.y.std()
    model = fitted(MLPRegressor(hidden_layer_sizes=(8,), max_iter=20, alpha=5.0, random_state=0), X, y)
    network = from_mlp(model)
    np.testing.assert_allclose(network.predict(with_ones(X)), model.predict(X), rtol=0, atol=1e-12)
    problem = Problem(with_ones(X), y, beta=5.0, output_offset=True)
    certificate = certify(problem, network, max_seconds=1)
    assert 0 < certificate.lower_bound < certificate.objective


def test_alpha_is_beta_but_for_the_hidden_bias(rng):
    X, y = rng.standard_normal((30, 2)), rng.standard_normal(30)
    model = fitted(
        MLPRegressor(hidden_layer_sizes=(4,), solver="lbfgs", alpha=3.0, max_iter=5, random_state=0), X, y
    )
    network = from_mlp(model)
    objective = Problem(with_ones(X), y, beta=3.0, output_offset=True).objective(network)
    unpenalised = 3.0 / 2 * np.sum(network.hidden[-1] ** 2)
    assert 30 * model.loss_ == pytest.approx(objective - unpenalised, rel=1e-12)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_trained_classifier_becomes_its_decision_values(n_classes):
    X, y = load_iris(return_X_y=True)
    X, y = X[y < n_classes], y[y < n_classes]
    model = fitted(MLPClassifier(hidden_layer_sizes=(8,), max_iter=20, random_state=0), X, y)
    f = from_mlp(model).predict(with_ones(X))
    proba = np.column_stack([expit(-f), expit(f)]) if n_classes == 2 else softmax(f, axis=1)
    np.testing.assert_allclose(proba, model.predict_proba(X), rtol=1e-9)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"activation": "tanh"}, "activation='relu'; got 'tanh'"),
        ({"hidden_layer_sizes": (3, 2)}, "one hidden layer; got 2"),
        ({"hidden_layer_sizes": ()}, "one hidden layer; got 0"),
    ],
)
def test_other_perceptrons_are_refused(settings, message):
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match=f"model must have {message}"):
        from_mlp(fitted(MLPRegressor(**{"hidden_layer_sizes": (3,), "max_iter": 1, **settings}), X, y))


def test_other_output_activations_are_refused():
    model = to_mlp_regressor(NETWORK)
    model.out_activation_ = "exp"  # what loss="poisson" means in releases that have it
    with pytest.raises(ValueError, match="output activation of identity, logistic, softmax; got 'exp'"):
        from_mlp(model)


def test_other_models_are_refused():
    with pytest.raises(ValueError, match="model must be an MLPRegressor or MLPClassifier; got ReLUNetwork"):
        from_mlp(NETWORK)
    with pytest.raises(NotFittedError):
        from_mlp(MLPRegressor())


@pytest.mark.parametrize(
    "classes",
    [["a"], [], ["b", "a"], ["a", "a"], [["a", "b"]], "ab", [0.0, np.nan], [None, "a"], None],
)
def test_classes_that_are_no_classes_are_refused(classes):
    with pytest.raises(
        ValueError, match="classes must be two or more, distinct and in increasing order; got"
    ):
        to_mlp_classifier(NETWORK, classes)


@pytest.mark.parametrize(
    ("n_outputs", "classes", "message"),
    [
        (1, "abc", "must have 3 outputs for 3 classes; got 1"),
        (3, "ab", "must have 1 or 2 outputs for 2 classes; got 3"),
        (2, "abc", "must have 3 outputs for 3 classes; got 2"),
    ],
)
def test_outputs_that_do_not_fit_the_classes_are_refused(n_outputs, classes, message):
    network = ReLUNetwork(np.ones((2, 3)), np.ones((3, n_outputs)))
    with pytest.raises(ValueError, match=f"network {message}"):
        to_mlp_classifier(network, list(classes))
