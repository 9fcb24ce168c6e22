"""Networks with ramps before them: what is exported takes raw columns and gives the same numbers."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.neural_network import MLPRegressor

from cvxnn import GatedReLURegressor, ReLUClassifier, ReLUNetwork, ReLURegressor
from cvxnn.encoding import PiecewiseLinearEncoder
from cvxnn.exports import from_mlp, from_torch, to_mlp_classifier, to_mlp_regressor, to_onnx, to_torch
from cvxnn.exports.encoders import ReluLayer
from cvxnn.exports.layers import Layers


def raw_columns(n, seed):
    """Return an age, zeros and ones, a dose of long tail, and money far from zero."""
    rng = np.random.default_rng(seed)
    columns = [
        rng.uniform(20, 90, n),
        rng.integers(0, 2, n),
        rng.exponential(1e-3, n),
        rng.normal(1e6, 5e4, n),
    ]
    return np.column_stack(columns).astype(float)


@pytest.fixture(scope="module")
def X():
    return raw_columns(60, 0)


@pytest.fixture(scope="module")
def X_far():
    """Give rows inside and far outside the range of training."""
    X = raw_columns(200, 1)
    X[::5] = 3 * X[::5] - 100
    return X


@pytest.fixture(scope="module")
def regressor(X):
    y = np.abs(X[:, 0] - 50) + 1e4 * X[:, 2] * X[:, 1] + X[:, 3] / 1e5
    return ReLURegressor(knots=5, max_seconds=0.5).fit(X, y)


def as_mlp(model):
    mlp = to_mlp_regressor(model.network_, encoder=model.encoder_, hidden_bias=True)
    return lambda X: mlp.predict(X)


def as_onnx(model):
    onnxruntime = pytest.importorskip("onnxruntime", reason="not installed: pip install cvxnn[onnx]")
    content = to_onnx(model.network_, encoder=model.encoder_, hidden_bias=True).SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return lambda X: session.run(["prediction"], {"X": X})[0][:, 0]


def as_torch(model):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install cvxnn[torch]")
    module = to_torch(model.network_, encoder=model.encoder_, hidden_bias=True)
    return lambda X: module(torch.tensor(X)).detach().numpy()[:, 0]


EXPORTS = [as_mlp, as_onnx, as_torch]


@pytest.mark.parametrize("export", EXPORTS)
def test_what_is_exported_predicts_as_the_estimator_from_raw_columns(export, regressor, X_far):
    expected = regressor.predict(X_far)
    assert np.ptp(expected) > 1
    np.testing.assert_allclose(export(regressor)(X_far), expected, rtol=1e-9, atol=1e-9 * np.ptp(expected))


@pytest.mark.parametrize("export", EXPORTS)
def test_the_law_rejects_other_knots(export, regressor, X_far):
    model = ReLURegressor(knots=5)
    model.network_ = regressor.network_
    moved = [ends + 1e-3 * np.ptp(ends) if len(ends) else ends for ends in regressor.encoder_.knots_]
    model.encoder_ = PiecewiseLinearEncoder().with_knots(moved)
    assert np.max(np.abs(export(model)(X_far) - regressor.predict(X_far))) > 1e-4


@pytest.mark.parametrize("export", EXPORTS)
def test_columns_without_ramps_are_exported_as_without_an_encoder(export, X):
    binary = X[:, [1]]
    model = ReLURegressor(knots=5, max_seconds=0.3).fit(binary, binary[:, 0] + 1)
    assert len(model.encoder_.ramps_) == 0
    np.testing.assert_allclose(export(model)(binary), model.predict(binary), rtol=1e-9)


def test_a_classifier_of_two_hidden_layers(X, X_far):
    labels = np.where(np.abs(X[:, 0] - 50) > 15, "far", "near")
    model = ReLUClassifier(knots=4, max_seconds=0.5).fit(X, labels)
    mlp = to_mlp_classifier(model.network_, model.classes_, encoder=model.encoder_, hidden_bias=True)
    assert len(mlp.hidden_layer_sizes) == 2
    assert mlp.n_layers_ == 4
    np.testing.assert_array_equal(mlp.predict(X_far), model.predict(X_far))
    np.testing.assert_allclose(
        mlp.predict_proba(X_far)[:, 1], expit(model.decision_function(X_far)), atol=1e-9
    )
    np.testing.assert_allclose(mlp.predict_proba(X_far), model.predict_proba(X_far), atol=1e-9)


def test_without_hidden_bias_and_with_several_outputs(X, X_far):
    encoder = PiecewiseLinearEncoder(3).fit(X)
    rng = np.random.default_rng(2)
    scales = 1 / np.abs(encoder.transform(X)).max(axis=0)
    d = len(scales)
    network = ReLUNetwork(
        scales[:, None] * rng.standard_normal((d, 6)), rng.standard_normal((6, 2)), [1.0, 2.0]
    )
    expected = network.predict(encoder.transform(X_far))
    np.testing.assert_allclose(to_mlp_regressor(network, encoder=encoder).predict(X_far), expected, atol=1e-9)


def test_the_layer_of_relus_is_the_encoder(X, X_far):
    encoder = PiecewiseLinearEncoder(6).fit(X)
    layer = ReluLayer.of(encoder)
    encoded = np.maximum(X_far @ layer.weights + layer.bias, 0) @ layer.mixing + layer.constant
    np.testing.assert_allclose(encoded, encoder.transform(X_far), rtol=1e-9, atol=1e-9)
    layers = Layers(np.eye(encoded.shape[1]), None, np.eye(encoded.shape[1]), np.zeros(encoded.shape[1]))
    np.testing.assert_array_equal(layer.before(layers).hidden, layer.mixing)


def test_perceptrons_train_on(regressor, X):
    mlp = to_mlp_regressor(regressor.network_, encoder=regressor.encoder_, hidden_bias=True)
    mlp.set_params(learning_rate_init=1e-12, max_iter=1)
    before = mlp.predict(X)
    np.testing.assert_allclose(mlp.partial_fit(X, before).predict(X), before, rtol=1e-6)
    with pytest.raises(ValueError, match="model must have one hidden layer; got 2"):
        from_mlp(mlp)
    assert isinstance(mlp, MLPRegressor)


def test_single_precision_of_onnx(regressor, X_far):
    onnxruntime = pytest.importorskip("onnxruntime", reason="not installed: pip install cvxnn[onnx]")
    model = to_onnx(regressor.network_, encoder=regressor.encoder_, hidden_bias=True, dtype="float32")
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    rounded = X_far.astype(np.float32)
    found = session.run(["prediction"], {"X": rounded})[0][:, 0]
    expected = regressor.predict(rounded.astype(float))
    # columns of 1e6 with steps of 1e4: two digits of the seven are lost
    assert np.max(np.abs(found - expected)) <= 1e-4 * np.ptp(expected)
    assert session.run(["prediction"], {"X": rounded[:0]})[0].shape == (0, 1)


def test_torch_modules_are_pickled_and_rounded(regressor, X):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install cvxnn[torch]")
    module = to_torch(regressor.network_, encoder=regressor.encoder_, hidden_bias=True)
    assert [type(layer).__name__ for layer in module] == ["RampLayer", "Linear", "ReLU", "Linear"]
    assert (module[0].in_features, module[0].out_features) == (4, regressor.network_.n_features - 1)
    assert not list(module[0].parameters())
    expected = module(torch.tensor(X))
    assert torch.equal(pickle.loads(pickle.dumps(module))(torch.tensor(X)), expected)
    single = module.float()(torch.tensor(X, dtype=torch.float32))
    assert single.dtype == torch.float32
    with pytest.raises(ValueError, match=r"module must be .*got Sequential\(RampLayer"):
        from_torch(module)


def test_encoders_that_do_not_fit_are_refused(regressor, X):
    network, encoder = regressor.network_, regressor.encoder_
    others = {
        "encoder must be a PiecewiseLinearEncoder; got str": "knots",
        "encoder must be fitted": PiecewiseLinearEncoder(),
        "encoder must make the 19 columns that network takes besides the column of ones; it makes 10": (
            PiecewiseLinearEncoder(2).fit(X)
        ),
    }
    assert network.n_features == 20
    for message, other in others.items():
        with pytest.raises(ValueError, match=message):
            to_mlp_regressor(network, encoder=other, hidden_bias=True)
    with pytest.raises(ValueError, match="encoder must make the 20 columns that network takes; it makes 19"):
        to_mlp_classifier(network, [0, 1], encoder=encoder)
    gated = GatedReLURegressor(knots=2, n_gates=5).fit(pd.DataFrame(X), X[:, 0])
    with pytest.raises(ValueError, match="must be a ReLUNetwork; got GatedReLUNetwork"):
        to_mlp_regressor(gated.network_, encoder=gated.encoder_, hidden_bias=True)


def test_intervals_beyond_a_precision_are_refused():
    pytest.importorskip("onnx", reason="not installed: pip install cvxnn[onnx]")
    encoder = PiecewiseLinearEncoder().with_knots([np.array([0.0, 1e-50])])
    network = ReLUNetwork([[1.0], [1.0]], [1.0])
    assert to_onnx(network, encoder=encoder) is not None
    with pytest.raises(
        ValueError, match="encoder must have intervals whose ends and slopes float32 can hold"
    ):
        to_onnx(network, encoder=encoder, dtype="float32")
