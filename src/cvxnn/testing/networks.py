"""Laws of networks: what each operation keeps, and that none of them raises the weight decay."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np

from cvxnn.networks import GatedReLUNetwork, ReLUNetwork, load_network
from cvxnn.testing.requirements import ROUNDING, require, require_at_most, require_close
from cvxnn.validation import Array

Network = ReLUNetwork | GatedReLUNetwork


def _size(network: Network, X: Array) -> float:
    """Return the largest sum of absolute terms in a prediction: what rounding is relative to."""
    output = np.abs(network.output.reshape(network.n_neurons, network.n_outputs))
    terms = np.abs(X @ network.hidden) @ output + np.linalg.norm(X, axis=1, keepdims=True) * (
        np.linalg.norm(network.hidden, axis=0) @ output
    )
    return float(np.max(terms, initial=0.0) + np.max(np.abs(network.offset), initial=0.0))


def _require_same_function(network: Network, other: Network, X: Array, operation: str) -> None:
    tolerance = ROUNDING * _size(network, X)
    require_close(other.predict(X), network.predict(X), tolerance, f"{operation} must keep the function")


def check_positive_rescaling(network: Network, X: Array, factors: Array) -> None:
    """Check that ``(u_j, a_j) -> (c_j u_j, a_j / c_j)`` with ``c_j > 0`` leaves the function unchanged.

    Parameters
    ----------
    network : ReLUNetwork or GatedReLUNetwork
        The network.
    X : ndarray of shape (n, d)
        Where to compare.
    factors : ndarray of shape (m,)
        The factors c, positive.

    Examples
    --------
    >>> network = ReLUNetwork([[1.0, -1.0]], [1.0, 2.0])
    >>> check_positive_rescaling(network, np.array([[1.0], [-3.0]]), np.array([2.0, 0.1]))
    """
    output = (network.output.T / factors).T
    scaled = replace(network, hidden=network.hidden * factors, output=output)
    _require_same_function(network, scaled, X, "positive rescaling")


def check_neuron_permutation(network: Network, X: Array, permutation: Array) -> None:
    """Check that the order of neurons leaves function and weight decay unchanged."""
    order = np.asarray(permutation, dtype=np.intp)
    parts = {"hidden": network.hidden[:, order], "output": network.output[order]}
    if isinstance(network, GatedReLUNetwork):
        parts["gates"] = network.gates[:, order]
    permuted = replace(network, **parts)  # type: ignore[arg-type]
    _require_same_function(network, permuted, X, "permuting neurons")
    decay = network.weight_decay
    require_close(
        permuted.weight_decay, decay, ROUNDING * decay, "permuting neurons must keep the weight decay"
    )


def check_balance(network: ReLUNetwork, X: Array) -> None:
    """Check that balancing keeps f, equals norms, never raises the weight decay, and attains the path norm.

    References
    ----------
    B. Neyshabur, R. Tomioka, N. Srebro, "In search of the real inductive bias", 2015, Theorem 1.
    """
    balanced = network.balance()
    _require_same_function(network, balanced, X, "balancing")
    norms = np.linalg.norm(balanced.hidden, axis=0)
    row_norms = np.linalg.norm(balanced.output.reshape(balanced.n_neurons, balanced.n_outputs), axis=1)
    largest = float(np.max(norms, initial=0.0))
    require_close(row_norms, norms, ROUNDING * largest, "balancing must give ||u_j|| = ||a_j||")
    decay, path_norm = network.weight_decay, network.path_norm
    require_at_most(
        balanced.weight_decay, decay, ROUNDING * decay, "balancing must not raise the weight decay"
    )
    require_close(
        balanced.weight_decay, path_norm, ROUNDING * path_norm, "balanced, weight decay is the path norm"
    )


def check_merge(network: ReLUNetwork, X: Array) -> None:
    """Check that merging keeps f(X), raises no decay, and leaves one neuron per pattern and direction."""
    merged = network.merge(X)
    _require_same_function(network, merged, X, "merging")
    decay = network.weight_decay
    require_at_most(merged.weight_decay, decay, ROUNDING * decay, "merging must not raise the weight decay")
    output = merged.output.reshape(merged.n_neurons, merged.n_outputs)
    directions = np.round(output / np.linalg.norm(output, axis=1, keepdims=True), 9) + 0.0
    # Patterns of the neurons' sums are those of the parts, but for samples that rounding puts on another
    # side.
    clear = np.abs(X @ merged.hidden) > ROUNDING * np.outer(
        np.linalg.norm(X, axis=1), np.linalg.norm(network.hidden, axis=0).max(initial=0.0)
    )
    keys = np.hstack([merged.patterns(X).T, directions])[clear.all(axis=0)]
    require(
        len(np.unique(keys, axis=0)) == len(keys), "merging must leave one neuron per pattern and direction"
    )


def check_prune_zeros(network: ReLUNetwork, X: Array) -> None:
    """Check that dropping zero neurons keeps f, and leaves no neuron with a zero factor."""
    pruned = network.prune_zeros()
    _require_same_function(network, pruned, X, "pruning zeros")
    output = pruned.output.reshape(pruned.n_neurons, pruned.n_outputs)
    alive = np.any(pruned.hidden != 0, axis=0) & np.any(output != 0, axis=1)
    require(bool(alive.all()), "pruning must drop every neuron with a zero factor")


def check_save_and_load(network: Network, path: Path) -> None:
    """Check that a file gives back a network of the same class, bit for bit, dtype and shape included.

    Parameters
    ----------
    network : ReLUNetwork or GatedReLUNetwork
        The network.
    path : Path
        A file to write.
    """
    network.save(path)
    loaded = load_network(path)
    require(type(loaded) is type(network), f"a {type(network).__name__} came back as {type(loaded).__name__}")
    for field in fields(network):
        before, after = getattr(network, field.name), getattr(loaded, field.name)
        same = (
            before.shape == after.shape
            and before.dtype == after.dtype
            and before.tobytes() == after.tobytes()
        )
        require(same, f"{field.name} must come back bit for bit")
