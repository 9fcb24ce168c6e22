"""Networks to and from PyTorch."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.encoding import PiecewiseLinearEncoder
from cvxnn.exports.encoders import RampArrays, require_fitting
from cvxnn.exports.layers import Layers
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import as_network

if TYPE_CHECKING:
    import torch


def _import_torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise ImportError(f"PyTorch is needed: pip install cvxnn[torch] ({error})") from error
    return torch


def to_torch(
    network: ReLUNetwork,
    *,
    encoder: PiecewiseLinearEncoder | None = None,
    hidden_bias: bool = False,
    dtype: Any = "float64",
) -> torch.nn.Sequential:
    """Return ``torch.nn.Sequential(Linear, ReLU, Linear)`` with the weights of a network.

    Parameters
    ----------
    network : ReLUNetwork
        With d features, m neurons and C outputs.
    encoder : PiecewiseLinearEncoder, optional
        The fixed map before the network, ``encoder_`` of estimators with ``knots``. The module then takes the encoder's
        columns, not those of the network.
    hidden_bias : bool, default False
        Whether the last feature of the network is a column of ones. Then its weights become the bias of the first
        layer, and the module takes the d - 1 columns before it. Networks of estimators with ``fit_intercept=True``
        are of this kind. Otherwise the first layer has no bias and takes d columns.
    dtype : {"float64", "float32"} or torch.dtype, default "float64"
        Precision of the module; float64 keeps every digit. PyTorch asks for inputs of the same precision.

    Returns
    -------
    torch.nn.Sequential
        Maps tensors of shape (n, d) or (n, d - 1) to (n, C), also for C = 1. Its last layer always has a bias, the
        output offset. All parameters require gradients. PyTorch's random numbers are left alone. With an encoder a
        layer without parameters comes first, which puts the ramps beside the columns; its arrays are buffers.

    Raises
    ------
    ImportError
        If PyTorch is not installed.
    ValueError
        If ``network`` is no ReLUNetwork, has only the column of ones as feature, or has weights beyond the range of
        ``dtype``, if ``dtype`` is another one, or if ``encoder`` is not fitted or does not make the columns that the
        network takes.

    See Also
    --------
    from_torch : the way back; the same network, with C = 1 output weights of shape (m,).
    """
    network = as_network(network)
    torch = _import_torch()
    if isinstance(dtype, torch.dtype):
        dtype = str(dtype).removeprefix("torch.")
    layers = Layers.of(network, hidden_bias=hidden_bias, dtype=dtype)
    encoder = require_fitting(encoder, network, hidden_bias)
    return torch.nn.Sequential(
        *([] if encoder is None else [_ramp_layer(torch)(RampArrays.of(encoder, dtype=dtype))]),
        _linear(torch, layers.hidden, layers.hidden_bias),
        torch.nn.ReLU(),
        _linear(torch, layers.output, layers.offset),
    )


def _linear(torch: Any, weight: NDArray[Any], bias: NDArray[Any] | None) -> Any:
    # Made of one weight that is never filled, then given its own: initialisation would draw random numbers, and warns
    # of layers without neurons.
    layer = torch.nn.Linear(1, 1, bias=bias is not None, device="meta")
    layer.in_features, layer.out_features = weight.shape
    layer.weight = torch.nn.Parameter(torch.tensor(np.ascontiguousarray(weight.T)))
    if bias is not None:
        layer.bias = torch.nn.Parameter(torch.tensor(bias))
    return layer


@cache
def _ramp_layer(torch: Any) -> Any:
    """Return the class of layers that put ramps beside columns; only with PyTorch can it be made."""

    class RampLayer(torch.nn.Module):  # type: ignore[misc]
        """Maps tensors of shape (n, d) to (n, d + R): the columns, then clipped ramps of them."""

        def __init__(self, ramps: RampArrays) -> None:
            super().__init__()
            self.in_features, self.out_features = ramps.n_columns, ramps.n_columns + len(ramps.columns)
            self.register_buffer("columns", torch.tensor(ramps.columns))
            self.register_buffer("starts", torch.tensor(ramps.starts))
            self.register_buffer("widths", torch.tensor(ramps.widths))

        def forward(self, x: Any) -> Any:
            """Return the encoded columns."""
            ramps = torch.clamp((x[:, self.columns] - self.starts) / self.widths, 0.0, 1.0)
            return torch.cat([x, ramps], dim=1)

        def extra_repr(self) -> str:
            """Say how many columns come in and go out."""
            return f"in_features={self.in_features}, out_features={self.out_features}"

    # Where pickles look for it: `__getattr__` below makes it when it is asked for.
    RampLayer.__qualname__ = RampLayer.__name__
    return RampLayer


def __getattr__(name: str) -> Any:
    if name == "RampLayer":
        return _ramp_layer(_import_torch())
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def from_torch(module: torch.nn.Sequential) -> ReLUNetwork:
    """Return the network of a ``torch.nn.Sequential(Linear, ReLU, Linear)``.

    Parameters
    ----------
    module : torch.nn.Sequential
        Linear layers of float32 or float64, with or without biases, on any device. Its weights are copied.

    Returns
    -------
    ReLUNetwork
        In float64, which holds every float32 exactly. Where the first layer has a bias, the bias is the last row of
        ``hidden``: the network then takes one more feature than the module, a column of ones after the others. It
        does so even if the bias is zero. Without a bias the network takes what the module takes. The bias of the
        last layer is the output offset; without one the offset is 0. One output gives output weights of shape (m,),
        for targets of shape (n,).

    Raises
    ------
    ImportError
        If PyTorch is not installed.
    ValueError
        If ``module`` consists of other layers, their shapes do not fit, or a weight is of another precision or not
        finite.

    See Also
    --------
    to_torch : the way there.
    """
    torch = _import_torch()
    first, last = _linear_layers(torch, module)
    return Layers(
        hidden=_array(torch, first.weight).T,
        hidden_bias=None if first.bias is None else _array(torch, first.bias),
        output=_array(torch, last.weight).T,
        offset=np.zeros(last.out_features) if last.bias is None else _array(torch, last.bias),
    ).to_network()


def _linear_layers(torch: Any, module: Any) -> tuple[Any, Any]:
    """Return both linear layers of a module that has nothing but them and the ReLU between them."""
    accepted = (torch.nn.Linear, torch.nn.ReLU, torch.nn.Linear)
    layers = list(module) if isinstance(module, torch.nn.Sequential) else []
    # Exact types: a layer derived from Linear can compute anything.
    if type(module) is not torch.nn.Sequential or tuple(map(type, layers)) != accepted:
        inside = f"({', '.join(type(layer).__name__ for layer in layers)})" if layers else ""
        raise ValueError(
            f"module must be a torch.nn.Sequential(Linear, ReLU, Linear); got {type(module).__name__}{inside}"
        )
    first, _, last = layers
    if first.out_features != last.in_features:
        raise ValueError(
            f"module must have layers that fit; its first gives {first.out_features} neurons, its last takes "
            f"{last.in_features}"
        )
    return first, last


def _array(torch: Any, weight: Any) -> NDArray[Any]:
    if weight.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"module must have weights of torch.float32 or torch.float64; got {weight.dtype}")
    array: NDArray[Any] = weight.detach().cpu().numpy()
    return array
