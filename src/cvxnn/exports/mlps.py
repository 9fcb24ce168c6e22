"""Networks to and from scikit-learn's multi-layer perceptrons."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.validation import check_is_fitted

from cvxnn.encoding import PiecewiseLinearEncoder
from cvxnn.exports.encoders import ReluLayer, require_fitting
from cvxnn.exports.layers import Layers
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import as_network

_OUTPUTS = ("identity", "logistic", "softmax")


def to_mlp_regressor(
    network: ReLUNetwork, *, encoder: PiecewiseLinearEncoder | None = None, hidden_bias: bool = False
) -> MLPRegressor:
    """Return a fitted scikit-learn ``MLPRegressor`` with the weights of a network.

    Parameters
    ----------
    network : ReLUNetwork
        With d features and C outputs.
    encoder : PiecewiseLinearEncoder, optional
        The fixed map before the network, ``encoder_`` of estimators with ``knots``. The perceptron then takes the
        encoder's columns, and has a first hidden layer with a neuron for every knot and two for a column without any:
        equal up to the rounding of differences, about 1e-16 times the ratio of a column's range to its shortest
        interval.
    hidden_bias : bool, default False
        Whether the last feature of the network is a column of ones. Then its weights become the bias of the first
        layer, and the regressor takes the d - 1 columns before it. Networks of estimators with
        ``fit_intercept=True`` are of this kind. Otherwise that bias is 0.

    Returns
    -------
    MLPRegressor
        In the state of a regressor that has trained for no iteration: it predicts, pickles, goes on with
        ``partial_fit``, or with ``fit`` after ``set_params(warm_start=True)``. Its other parameters are
        scikit-learn's defaults.

    Raises
    ------
    ValueError
        If ``network`` is no ReLUNetwork, or has only the column of ones as feature; if ``encoder`` is not fitted or
        does not make the columns that the network takes.

    Examples
    --------
    >>> network = ReLUNetwork([[1.0, -1.0], [0.0, 1.0]], [1.0, 2.0])
    >>> network.predict([[0.5, 1.0]])
    array([1.5])
    >>> to_mlp_regressor(network, hidden_bias=True).predict([[0.5]])
    array([1.5])
    """
    network = as_network(network)
    layers = Layers.of(network, hidden_bias=hidden_bias)
    encoder = require_fitting(encoder, network, hidden_bias)
    return _with_weights(MLPRegressor(), layers, encoder, "identity")


def to_mlp_classifier(
    network: ReLUNetwork,
    classes: Any,
    *,
    encoder: PiecewiseLinearEncoder | None = None,
    hidden_bias: bool = False,
) -> MLPClassifier:
    """Return a fitted scikit-learn ``MLPClassifier`` with the weights of a network.

    Parameters
    ----------
    network : ReLUNetwork
        Its outputs are decision values. For two classes one output, positive for the second class, or two, whose
        difference decides; for more classes one output for each, the largest of which decides.
    classes : array_like of shape (K,)
        The classes in increasing order, as in ``classes_`` of any classifier; K >= 2.
    encoder : PiecewiseLinearEncoder, optional
        The fixed map before the network, as in `to_mlp_regressor`.
    hidden_bias : bool, default False
        Whether the last feature of the network is a column of ones, as in `to_mlp_regressor`.

    Returns
    -------
    MLPClassifier
        In the state of a classifier that has trained for no iteration. ``predict`` follows the network.
        ``predict_proba`` takes one decision value f as logit, ``1 / (1 + exp(-f))``, and several through the
        softmax: the probabilities of the model if it was trained with the logistic or the multinomial loss, and
        no estimate of any probability otherwise.

    Raises
    ------
    ValueError
        If ``network`` is no ReLUNetwork, has only the column of ones as feature, or its outputs do not fit the
        classes; if ``classes`` are fewer than two, repeated or not in order; if ``encoder`` is not fitted or does not
        make the columns that the network takes.

    Examples
    --------
    >>> network = ReLUNetwork([[1.0, -1.0]], [1.0, -1.0])
    >>> to_mlp_classifier(network, ["no", "yes"]).predict([[0.5], [-2.0]])
    array(['yes', 'no'], dtype='<U3')
    """
    network = as_network(network)
    layers = Layers.of(network, hidden_bias=hidden_bias)
    encoder = require_fitting(encoder, network, hidden_bias)
    binarizer = _binarizer(classes)
    n_classes, n_outputs = len(binarizer.classes_), network.n_outputs
    if n_classes == 2 and n_outputs == 2:
        layers = Layers(
            layers.hidden, layers.hidden_bias, np.diff(layers.output, axis=1), np.diff(layers.offset)
        )
    elif n_outputs != (1 if n_classes == 2 else n_classes):
        accepted = "1 or 2 outputs" if n_classes == 2 else f"{n_classes} outputs"
        raise ValueError(f"network must have {accepted} for {n_classes} classes; got {n_outputs}")
    model = MLPClassifier()
    model._label_binarizer, model.classes_ = binarizer, binarizer.classes_
    return _with_weights(model, layers, encoder, "logistic" if n_classes == 2 else "softmax")


def _binarizer(classes: Any) -> LabelBinarizer:
    array = np.asarray(classes)
    try:
        in_order = array.ndim == 1 and len(array) >= 2 and bool(np.all(array[:-1] < array[1:]))
    except TypeError:  # no order among them
        in_order = False
    if not in_order:
        raise ValueError(f"classes must be two or more, distinct and in increasing order; got {classes!r}")
    return LabelBinarizer().fit(array)


def _with_weights(
    model: Any, layers: Layers, encoder: PiecewiseLinearEncoder | None, out_activation: str
) -> Any:
    """Give a perceptron weights, and the state in which its own training would start from them."""
    first = None if encoder is None else ReluLayer.of(encoder)
    if first is not None:
        layers = first.before(layers)
    m, n_outputs = layers.output.shape
    bias: NDArray[Any] = np.zeros(m) if layers.hidden_bias is None else layers.hidden_bias
    model.coefs_, model.intercepts_ = [layers.hidden, layers.output], [bias, layers.offset]
    if first is not None:
        model.coefs_.insert(0, first.weights)
        model.intercepts_.insert(0, first.bias)
    sizes = tuple(len(weights) for weights in model.coefs_)
    model.set_params(hidden_layer_sizes=sizes[1:])
    model.n_features_in_, model.n_outputs_, model.n_layers_ = sizes[0], n_outputs, len(sizes) + 1
    model.out_activation_ = out_activation
    # partial_fit goes on counting from these.
    model.n_iter_, model.t_, model.loss_curve_, model.best_loss_ = 0, 0, [], np.inf
    model.validation_scores_ = model.best_validation_score_ = None
    model._no_improvement_count = 0
    return model


def from_mlp(model: MLPRegressor | MLPClassifier) -> ReLUNetwork:
    """Return the network of a fitted scikit-learn ``MLPRegressor`` or ``MLPClassifier``.

    Parameters
    ----------
    model : MLPRegressor or MLPClassifier
        Fitted, with one hidden layer and ``activation="relu"``.

    Returns
    -------
    ReLUNetwork
        Its last feature is a column of ones, after the columns of the model: the bias of the first layer is the last
        row of ``hidden``. A regressor's prediction is the network's; of a classifier the network gives the decision
        values before the logistic function or the softmax. One output gives output weights of shape (m,), for
        targets of shape (n,).

    Raises
    ------
    ValueError
        If ``model`` is of another class, not fitted, or has other layers or activations.

    Notes
    -----
    With full batches scikit-learn minimises ``1/n (ell + alpha/2 (||W||^2 + ||A||^2))``, ell being half the squared
    error or the log loss, summed over samples: ``alpha`` is beta, but for the hidden bias, which only this package
    penalises. In batches of b samples, ``n / b`` times alpha is beta. The squared loss of several outputs is divided
    by their number there.

    Examples
    --------
    >>> network = ReLUNetwork([[1.0, -1.0]], [1.0, 2.0])
    >>> from_mlp(to_mlp_regressor(network)).hidden  # a column of ones is added, here of weight 0
    array([[ 1., -1.],
           [ 0.,  0.]])
    """
    if not isinstance(model, MLPRegressor | MLPClassifier):
        raise ValueError(f"model must be an MLPRegressor or MLPClassifier; got {type(model).__name__}")
    check_is_fitted(model, "coefs_")
    if len(model.coefs_) != 2:
        raise ValueError(f"model must have one hidden layer; got {len(model.coefs_) - 1}")
    if model.activation != "relu":
        raise ValueError(f"model must have activation='relu'; got {model.activation!r}")
    if model.out_activation_ not in _OUTPUTS:
        raise ValueError(
            f"model must have an output activation of {', '.join(_OUTPUTS)}; got {model.out_activation_!r}"
        )
    (hidden, output), (hidden_bias, offset) = model.coefs_, model.intercepts_
    return Layers(hidden, hidden_bias, output, offset).to_network()
