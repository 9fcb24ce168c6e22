"""Read the rules off a network's weights."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.interpretation.inputs import Inputs, TwoLayerNetwork, target_names_of
from cvxnn.interpretation.linear_forms import LinearForms
from cvxnn.interpretation.rules import NetworkRules
from cvxnn.interpretation.wording import number_text, percent_text
from cvxnn.validation import Array, exponent, within_float64

if TYPE_CHECKING:
    from cvxnn.encoding import PiecewiseLinearEncoder


def describe_network(
    network: TwoLayerNetwork,
    feature_names: Sequence[str] | None,
    X: Any,
    *,
    gates: Array | None,
    target_names: Sequence[str] | None,
    hidden_bias: bool | None,
    encoder: PiecewiseLinearEncoder | None,
    n_terms: int,
    top: int,
) -> NetworkRules:
    """Return the rules of a network; parameters and errors are those of ``ReLUNetwork.describe``.

    `gates`, of shape (d, m), are those of a gated network.
    """
    n_terms, top = _at_least_one(n_terms, "n_terms"), _at_least_one(top, "top")
    inputs = Inputs.of(network.hidden.shape[0], feature_names, X, hidden_bias, encoder)
    targets = target_names_of(target_names, len(network.offset))
    output = network.output.reshape(-1, len(network.offset))
    added = None if inputs.X is None else _hidden_values(network.hidden, gates, inputs.features)
    importance, neurons = _ranked(network.hidden, output, added)
    forms = LinearForms.of((network.hidden if gates is None else gates)[:, neurons], inputs)
    factors = None if gates is None else LinearForms.of(network.hidden[:, neurons], inputs)
    slopes = output[neurons] * (np.abs(forms.scales) if factors is None else factors.scales)[:, None]
    return NetworkRules(
        neurons=neurons,
        coefficients=forms.coefficients,
        thresholds=forms.thresholds,
        above=forms.scales > 0,
        slopes=slopes,
        factors=None if factors is None else factors.coefficients,
        factor_thresholds=None if factors is None else factors.thresholds,
        importance=importance,
        active=None if added is None else network.patterns(inputs.features)[:, neurons].mean(axis=0),
        mean=None if added is None else added[:, neurons].mean(axis=0)[:, None] * output[neurons],
        offset=network.offset,
        conditions=tuple(_condition(forms, k, n_terms) for k in range(len(neurons))),
        effects=tuple(
            _shares(slopes[k], targets, n_terms) + _times(forms, factors, k, n_terms)
            for k in range(len(neurons))
        ),
        feature_names=inputs.names,
        target_names=targets,
        n_samples=0 if inputs.X is None else len(inputs.X),
        top=top,
    )


def _hidden_values(hidden: Array, gates: Array | None, features: Array) -> Array:
    """Return what the neurons pass on at each sample, shape (n, m)."""
    values = features @ hidden
    open_gates = values > 0 if gates is None else features @ gates >= 0
    return np.where(open_gates, values, 0.0)


def _ranked(hidden: Array, output: Array, added: Array | None) -> tuple[Array, NDArray[np.int64]]:
    """Return the importance of the neurons of weight above zero, and which they are, the most important first."""
    row_norms = np.linalg.norm(output, axis=1)
    weights = np.linalg.norm(hidden, axis=0) * row_norms
    with within_float64("X and the network's weights"):
        importance = weights if added is None else row_norms * _spreads(added)
    alive = np.flatnonzero(weights)
    # ties, such as neurons that no sample activates, by weight
    neurons = alive[np.lexsort((-weights[alive], -importance[alive]))]
    return importance[neurons], neurons


def _spreads(values: Array) -> Array:
    """Return the standard deviations of columns, in units in which their squares are numbers."""
    own = exponent(values)
    return np.asarray(np.ldexp(np.ldexp(values, -own).std(axis=0), own))


def _at_least_one(value: int, name: str) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = 0
    if number < 1:
        raise ValueError(f"{name} must be an integer >= 1; got {value!r}")
    return number


def _condition(forms: LinearForms, k: int, n_terms: int) -> str:
    terms, threshold = forms.text(k, n_terms)
    if not terms:
        return "everywhere" if forms.scales[k] > 0 else "nowhere"
    return f"{terms} {'>' if forms.scales[k] > 0 else '<'} {threshold}"


def _shares(slopes: Array, targets: tuple[str, ...], n_terms: int) -> str:
    """Return a neuron's slopes in words, those of the largest outputs where there are several."""
    if len(targets) == 1:
        return number_text(float(slopes[0]), signed=True)
    sizes = np.abs(slopes) / np.abs(slopes).sum()
    shown = [c for c in np.argsort(-sizes, kind="stable")[:n_terms] if slopes[c]]
    words = [f"{number_text(float(slopes[c]), signed=True)} {targets[c]}" for c in shown]
    left_out = np.count_nonzero(slopes) - len(shown)
    if left_out:
        words.append(f"{left_out} more ({percent_text(float(1 - sizes[shown].sum()))})")
    return ", ".join(words)


def _times(forms: LinearForms, factors: LinearForms | None, k: int, n_terms: int) -> str:
    """Return what a neuron's slopes are multiplied with; nothing where that is 1."""
    if factors is None:
        if not forms.coefficients[k].any():
            return ""
        return f" per unit {'above' if forms.scales[k] > 0 else 'below'}"
    terms, threshold = factors.text(k, n_terms)
    if not terms:
        return ""
    constant = "" if threshold == "0" else f" - {threshold}".replace("- -", "+ ")
    return f" x ({terms}{constant})"
