"""Trained networks: immutable weights that predict, balance, merge, prune, save and load."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from cvxnn.interpretation import NetworkRules
from cvxnn.interpretation.describing import describe_network
from cvxnn.linear_maps import gated_forward, relu_forward
from cvxnn.model_files import Arrays, Header, kind_of_model, read_model, write_model
from cvxnn.patterns import activation_patterns
from cvxnn.patterns.packing import pack_columns
from cvxnn.validation import (
    Array,
    PrecisionError,
    as_columns,
    as_finite_data,
    n_columns,
    read_only,
    row_norms,
    within_float64,
)

if TYPE_CHECKING:
    from cvxnn.encoding import PiecewiseLinearEncoder

FILE_VERSION = 2
_ARRAYS = {
    "relu-network": ("hidden", "output", "offset"),
    "gated-relu-network": ("gates", "hidden", "output", "offset"),
}


def _output_weights(output: Any, n_neurons: int) -> Array:
    array = np.asarray(output, dtype=np.float64)
    if array.ndim not in (1, 2) or array.shape[0] != n_neurons:
        raise ValueError(f"output must have shape ({n_neurons},) or ({n_neurons}, C); got {array.shape}")
    return array


def _weights(value: Any, name: str) -> Array:
    array = np.asarray(value, dtype=np.float64)
    if array.ndim != 2 or array.shape[0] == 0:
        raise ValueError(f"{name} must have shape (d, m) with d >= 1; got {array.shape}")
    return array


def _check_finite(**arrays: Array) -> None:
    for name, array in arrays.items():
        if not np.all(np.isfinite(array)):
            raise ValueError(f"{name} must be finite; found NaN or infinity")


def _offset(offset: Any, output: Array) -> Array:
    n_outputs = n_columns(output.shape)
    array = np.zeros(n_outputs) if offset is None else np.atleast_1d(np.asarray(offset, dtype=np.float64))
    if array.shape != (n_outputs,):
        raise ValueError(f"offset must have shape ({n_outputs},); got {array.shape}")
    return array


def _finite(outputs: Array) -> Array:
    """Return outputs as they are, refusing those beyond the range of their numbers."""
    beyond = outputs.size - int(np.count_nonzero(np.isfinite(outputs)))
    if beyond:
        raise PrecisionError(
            f"X must be of a size at which outputs are numbers; {beyond} of {outputs.size} outputs overflow: rescale X"
        )
    return outputs


def _features(X: Any, n_features: int) -> Any:
    data = as_finite_data(X, "X")
    if data.shape[1] != n_features:
        raise ValueError(f"X must have {n_features} columns; got {data.shape[1]}")
    return data


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


class TwoLayerNetwork(ABC):
    """What networks with one hidden layer share: their sizes, predictions, rules and model files.

    Output weights are (m,) or (m, 1) for one output, as they were given; predictions are of the same kind, (n,) or
    (n, 1). Everything inside reads them as (m, C).
    """

    hidden: Array  # (d, m)
    output: Array  # (m,) or (m, C)
    offset: Array  # (C,)

    @property
    def n_features(self) -> int:
        """Return d."""
        return int(self.hidden.shape[0])

    @property
    def n_neurons(self) -> int:
        """Return m."""
        return int(self.hidden.shape[1])

    @property
    def n_outputs(self) -> int:
        """Return C."""
        return int(self.offset.shape[0])

    @property
    def output_weights(self) -> Array:
        """Return the output weights as (m, C), whatever shape they were given in."""
        return np.asarray(as_columns(self.output))

    @property
    def weight_decay(self) -> float:
        """Return ``1/2 (||U||_F^2 + ||A||_F^2)``, the penalty without its beta; gates are free."""
        return 0.5 * float(np.sum(self.hidden**2) + np.sum(self.output**2))

    @property
    @abstractmethod
    def _gates(self) -> Array | None:
        """Return the vectors (d, m) that open the neurons, None where hidden weights do."""

    @abstractmethod
    def with_output(self, output: Any) -> Self:
        """Return the network with other output weights, (m,) or (m, C)."""

    @abstractmethod
    def predict_without_offset(self, X: Any) -> Array:
        """Return the outputs before the offset, shape (n,) or (n, C)."""

    def predict(self, X: Any) -> Array:
        """Return the network's outputs, shape (n,) or (n, C).

        Parameters
        ----------
        X : array_like of shape (n, d)
            Data. Arrays of float32 or float64 are read in chunks, without a copy; they may be memory-mapped files.

        Raises
        ------
        PrecisionError
            If an output is beyond the range of float64.
        """
        f = self.predict_without_offset(X)
        return np.asarray((as_columns(f) + self.offset).reshape(f.shape))

    def patterns(self, X: Any) -> NDArray[np.bool_]:
        """Return the activation patterns of neurons, or of their gates, ``1[X G >= 0]``, shape (n, m)."""
        gates = self.hidden if self._gates is None else self._gates
        return activation_patterns(_features(X, self.n_features), gates)

    def like(self, target: Array) -> Self:
        """Return the network with output weights of the kind of targets: (m,) for (n,), (m, C) for (n, C)."""
        shape = (self.n_neurons, *target.shape[1:])
        return self if self.output.shape == shape else self.with_output(self.output.reshape(shape))

    def one_output(self) -> Self:
        """Return the network with output weights of shape (m,), for what is stated for one output.

        Raises
        ------
        ValueError
            If it has several outputs.
        """
        if self.n_outputs != 1:
            raise ValueError(f"network must have one output; got {self!r}")
        return self.like(self.hidden[0])

    def describe(
        self,
        feature_names: Sequence[str] | None = None,
        X: Any = None,
        *,
        target_names: Sequence[str] | None = None,
        hidden_bias: bool | None = None,
        encoder: PiecewiseLinearEncoder | None = None,
        n_terms: int = 4,
        top: int = 20,
    ) -> NetworkRules:
        """Return the neurons as half-space rules: where each is active, and what it adds there.

        Of a gated network the half-space of each gate, and the linear function that is added there.

        Parameters
        ----------
        feature_names : sequence of str, optional
            d names, or d - 1 where the last feature is the hidden bias; by default the columns of `X`, or x0, x1, ...
        X : array_like of shape (n, d) or (n, d - 1), optional
            Data by which features and neurons are ranked, with or without the column of ones. Without data they are
            ranked by their weights, which depend on the units of the features.
        target_names : sequence of str, optional
            Names of the C outputs, such as the classes.
        hidden_bias : bool, optional
            Whether the last feature is a column of ones. By default it is where d - 1 names are given or, without
            names, where `X` has d - 1 columns or ends in a column of ones.
        encoder : PiecewiseLinearEncoder, optional
            The map before the network, ``encoder_`` of estimators with ``knots``. `X` and `feature_names` are then
            those of its columns, and the rules speak of its ramps too: ``age[30..45]`` is the share of the way from 30
            to 45 that the age has gone.
        n_terms : int, default 4
            How many features a rule names, and how many outputs; what is left out is counted, with its share.
        top : int, default 20
            How many rules are printed; the arrays and the frame have all.

        Returns
        -------
        NetworkRules
            Prints as a table; ``.to_frame()`` gives a DataFrame.

        Raises
        ------
        ValueError
            If names, data, encoder and hidden bias do not fit each other and the network, or a number is not >= 1.

        Examples
        --------
        >>> network = ReLUNetwork([[2.0], [-50.0]], [1.5])
        >>> network.describe(["age"]).to_frame()[["where", "adds"]]
                      where                  adds
        neuron
        0       age > 25.00  +3.00 per unit above
        >>> gated = GatedReLUNetwork([[1.0], [-40.0]], [[2.0], [10.0]], [1.5])
        >>> gated.describe(["age"]).to_frame()[["where", "adds"]]
                      where               adds
        neuron
        0       age > 40.00  +3.00 x (age + 5.000)
        """
        return describe_network(
            self,
            feature_names,
            X,
            gates=self._gates,
            target_names=target_names,
            hidden_bias=hidden_bias,
            encoder=encoder,
            n_terms=n_terms,
            top=top,
        )

    @property
    @abstractmethod
    def _kind_of_file(self) -> str:
        """Return the kind of the model file."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to a model file, atomically; `load_network` reads it back bit for bit."""
        arrays: Arrays = {name: getattr(self, name) for name in _ARRAYS[self._kind_of_file]}
        write_model(path, self._kind_of_file, FILE_VERSION, {}, arrays)


@dataclass(frozen=True, eq=False)
class ReLUNetwork(TwoLayerNetwork):
    """Two-layer ReLU network ``f(x) = sum_j (x^T u_j)_+ a_j + b``.

    Parameters
    ----------
    hidden : array_like of shape (d, m)
        Column j is the hidden weight u_j of neuron j; m may be 0.
    output : array_like of shape (m,) or (m, C)
        Row j is the output weight a_j of neuron j. A 1-D array gives predictions of shape (n,).
    offset : array_like of shape (C,), optional
        The output offset b; zero by default.

    Raises
    ------
    ValueError
        If a shape does not fit or a weight is not finite.

    Examples
    --------
    >>> network = ReLUNetwork([[1.0, -1.0]], [1.0, 1.0])
    >>> network.predict([[2.0], [-3.0]])
    array([2., 3.])
    """

    hidden: Array  # (d, m)
    output: Array  # (m,) or (m, C)
    offset: Array  # (C,)

    def __init__(self, hidden: Any, output: Any, offset: Any = None) -> None:
        hidden = _weights(hidden, "hidden")
        output = _output_weights(output, hidden.shape[1])
        offset = _offset(offset, output)
        _check_finite(hidden=hidden, output=output, offset=offset)
        object.__setattr__(self, "hidden", read_only(hidden))
        object.__setattr__(self, "output", read_only(output))
        object.__setattr__(self, "offset", read_only(offset))

    @property
    def _gates(self) -> None:
        return None

    @property
    def _kind_of_file(self) -> str:
        return "relu-network"

    def with_output(self, output: Any) -> ReLUNetwork:
        """Return the network with other output weights, (m,) or (m, C)."""
        return ReLUNetwork(self.hidden, output, self.offset)

    @property
    def path_norm(self) -> float:
        """Return ``sum_j ||u_j|| ||a_j||``: the weight decay of the balanced network."""
        return float(np.sum(np.linalg.norm(self.hidden, axis=0) * row_norms(self.output)))

    def predict_without_offset(self, X: Any) -> Array:
        """Return ``(X U)_+ A``, shape (n,) or (n, C): the outputs before the offset."""
        features = _features(X, self.n_features)
        with np.errstate(over="ignore", invalid="ignore"):
            return _finite(np.asarray(relu_forward(features, self.hidden, self.output)))

    def balance(self) -> ReLUNetwork:
        """Return the network with ``||u_j|| = ||a_j||`` for every neuron.

        Keeps f everywhere and never raises the weight decay; a neuron with a zero factor becomes zero.
        """
        norms, sizes = np.linalg.norm(self.hidden, axis=0), row_norms(self.output)
        alive = (norms > 0) & (sizes > 0)
        # sqrt of each before the quotient, so that extreme scales do not overflow
        scale = np.where(alive, np.sqrt(sizes) / np.sqrt(np.where(alive, norms, 1.0)), 0.0)
        inverse = np.where(alive, np.sqrt(norms) / np.sqrt(np.where(alive, sizes, 1.0)), 0.0)
        output = (self.output_weights * inverse[:, None]).reshape(self.output.shape)
        return ReLUNetwork(self.hidden * scale, output, self.offset)

    def prune_zeros(self, tol: float = 0.0) -> ReLUNetwork:
        """Return the network without neurons of ``||u_j|| ||a_j|| <= tol``.

        Parameters
        ----------
        tol : float, default 0
            With 0 keeps f everywhere; otherwise changes ``|f(x)|`` by at most the dropped sum times ``||x||``.
        """
        alive = np.linalg.norm(self.hidden, axis=0) * row_norms(self.output) > tol
        return self.select(alive)

    def select(self, neurons: Any) -> ReLUNetwork:
        """Return the network of some neurons, by index or mask, with the same offset."""
        return ReLUNetwork(self.hidden[:, neurons], self.output[neurons], self.offset)

    def merge(self, X: Any) -> ReLUNetwork:
        """Return a balanced network in which no two neurons share pattern on X and output direction.

        Neurons that do are added up, ``u <- sum_j ||a_j|| u_j``. Keeps f(X), not f elsewhere, and never raises the
        weight decay. Output directions are equal when they agree to 1e-12.

        Parameters
        ----------
        X : array_like of shape (n, d)
            Data.

        References
        ----------
        Y. Wang, J. Lacotte, M. Pilanci, "The hidden convex optimization landscape of regularized two-layer ReLU
        networks", ICLR 2022 (minimal networks).
        """
        return self.merge_with_patterns(X)[0]

    def merge_with_patterns(self, X: Any) -> tuple[ReLUNetwork, NDArray[np.bool_]]:
        """Return the network of `merge` and its neurons' patterns on X, shape (n, m): those of the neurons merged.

        Parameters
        ----------
        X : array_like of shape (n, d)
            Data.
        """
        alive = self.prune_zeros()
        masks = alive.patterns(X)
        if alive.n_neurons == 0:
            return alive, masks
        sizes = row_norms(alive.output)
        directions = alive.output_weights / sizes[:, None]
        rounded = np.ascontiguousarray(np.round(directions, 12) + 0.0)  # no -0.0, of other bytes than 0.0
        keys = np.ascontiguousarray(np.hstack([pack_columns(masks), rounded.view(np.uint8)]))
        # As one item of bytes each: rows of numbers would be compared, and copied, number by number.
        items = keys.view(np.dtype((np.void, keys.shape[1]))).ravel()
        _, first, group = np.unique(items, return_index=True, return_inverse=True)
        blocks = np.zeros((self.n_features, len(first)))
        with within_float64("the network's weights"):
            np.add.at(blocks.T, group.ravel(), (alive.hidden * sizes).T)
            order = np.argsort(first)  # keep the order in which the neurons came
            output = directions[first].reshape((len(first), *alive.output.shape[1:]))
            merged = ReLUNetwork(blocks[:, order], output[order], self.offset).balance()
        return merged, masks if len(first) == alive.n_neurons else np.take(masks, first[order], axis=1)

    def __repr__(self) -> str:
        return (
            f"ReLUNetwork({_count(self.n_features, 'feature')} -> {_count(self.n_neurons, 'neuron')} -> "
            f"{_count(self.n_outputs, 'output')}, path_norm={self.path_norm:.6g})"
        )


@dataclass(frozen=True, eq=False)
class GatedReLUNetwork(TwoLayerNetwork):
    """Two-layer gated ReLU network ``f(x) = sum_j 1[x^T g_j >= 0] (x^T u_j) a_j + b``.

    Parameters
    ----------
    gates : array_like of shape (d, m)
        Column j is the fixed gate g_j.
    hidden : array_like of shape (d, m)
        Column j is the hidden weight u_j.
    output : array_like of shape (m,) or (m, C)
        Row j is the output weight a_j.
    offset : array_like of shape (C,), optional
        The output offset b; zero by default.

    Raises
    ------
    ValueError
        If a shape does not fit or a weight is not finite.

    References
    ----------
    A. Mishkin, A. Sahiner, M. Pilanci, "Fast convex optimization for two-layer ReLU networks", ICML 2022, eq. (4).
    """

    gates: Array  # (d, m)
    hidden: Array  # (d, m)
    output: Array  # (m,) or (m, C)
    offset: Array  # (C,)

    def __init__(self, gates: Any, hidden: Any, output: Any, offset: Any = None) -> None:
        gates, hidden = _weights(gates, "gates"), _weights(hidden, "hidden")
        if gates.shape != hidden.shape:
            raise ValueError(f"gates must have the shape of hidden, {hidden.shape}; got {gates.shape}")
        output = _output_weights(output, hidden.shape[1])
        offset = _offset(offset, output)
        _check_finite(gates=gates, hidden=hidden, output=output, offset=offset)
        object.__setattr__(self, "gates", read_only(gates))
        object.__setattr__(self, "hidden", read_only(hidden))
        object.__setattr__(self, "output", read_only(output))
        object.__setattr__(self, "offset", read_only(offset))

    @property
    def _gates(self) -> Array:
        return self.gates

    @property
    def _kind_of_file(self) -> str:
        return "gated-relu-network"

    def with_output(self, output: Any) -> GatedReLUNetwork:
        """Return the network with other output weights, (m,) or (m, C)."""
        return GatedReLUNetwork(self.gates, self.hidden, output, self.offset)

    def predict_without_offset(self, X: Any) -> Array:
        """Return the outputs before the offset, shape (n,) or (n, C)."""
        features = _features(X, self.n_features)
        with np.errstate(over="ignore", invalid="ignore"):
            return _finite(gated_forward(features, self.gates, self.hidden, self.output))

    def __repr__(self) -> str:
        return (
            f"GatedReLUNetwork({_count(self.n_features, 'feature')} -> {_count(self.n_neurons, 'gated neuron')} -> "
            f"{_count(self.n_outputs, 'output')})"
        )


def _add_offset(header: Header, arrays: Arrays) -> tuple[Header, Arrays]:
    """Version 1 had no output offset: it was zero."""
    n_outputs = n_columns(arrays["output"].shape)
    return {**header, "version": 2}, {**arrays, "offset": np.zeros(n_outputs)}


UPGRADES = {1: _add_offset}


def load_network(path: str | os.PathLike[str]) -> ReLUNetwork | GatedReLUNetwork:
    """Read a network from a model file.

    Parameters
    ----------
    path : path-like
        A file written by ``network.save``, by this release or an older one.

    Returns
    -------
    ReLUNetwork or GatedReLUNetwork

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not a network's model file, is damaged, or is of a newer version.
    """
    kind = kind_of_model(path)
    if kind not in _ARRAYS:
        raise ValueError(f"path must be a network's model file; {path} is of kind {kind!r}")
    _, arrays = read_model(path, kind, FILE_VERSION, UPGRADES)
    missing = [name for name in _ARRAYS[kind] if name not in arrays]
    if missing:
        raise ValueError(f"path must be a network's model file; {path} lacks {', '.join(missing)}")
    weights = [arrays[name] for name in _ARRAYS[kind]]
    return ReLUNetwork(*weights) if kind == "relu-network" else GatedReLUNetwork(*weights)
