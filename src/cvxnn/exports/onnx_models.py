"""Networks as ONNX models."""

from __future__ import annotations

import os
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from cvxnn.atomic_files import write_bytes
from cvxnn.encoding import PiecewiseLinearEncoder
from cvxnn.exports.encoders import RampArrays, require_fitting
from cvxnn.exports.layers import Layers
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import as_network

if TYPE_CHECKING:
    import onnx

# Not the newest: runtimes refuse operator sets and formats newer than themselves, and these nodes have not changed
# since. Of early 2022, and read by every onnxruntime from 1.11 on.
_OPERATOR_SET, _FORMAT = 16, 8


def _import_onnx() -> Any:
    try:
        import onnx
    except ImportError as error:
        raise ImportError(f"ONNX is needed: pip install cvxnn[onnx] ({error})") from error
    return onnx


def to_onnx(
    network: ReLUNetwork,
    path: str | os.PathLike[str] | None = None,
    *,
    encoder: PiecewiseLinearEncoder | None = None,
    hidden_bias: bool = False,
    dtype: Any = "float64",
) -> onnx.ModelProto:
    """Return a network as an ONNX model, and write it to a file if a path is given.

    The model is ``Gemm, Relu, Gemm``, with an encoder behind ``Gather, Sub, Div, Clip, Concat``. Its input is called
    "X" and its output "prediction".

    Parameters
    ----------
    network : ReLUNetwork
        With d features, m neurons and C outputs.
    path : path-like, optional
        Where to write the model, atomically; a file of that name is replaced.
    encoder : PiecewiseLinearEncoder, optional
        The fixed map before the network, ``encoder_`` of estimators with ``knots``. The model then takes the encoder's
        columns, not those of the network.
    hidden_bias : bool, default False
        Whether the last feature of the network is a column of ones. Then its weights become the bias of the first
        layer, and the model takes the d - 1 columns before it. Networks of estimators with ``fit_intercept=True``
        are of this kind.
    dtype : {"float64", "float32"}, default "float64"
        Precision of weights, input and output. Runtimes other than onnxruntime may know float32 only.

    Returns
    -------
    onnx.ModelProto
        Maps arrays of shape (n, d) or (n, d - 1), for any n, to (n, C), also for C = 1. For a network that
        classifies, these are its decision values. Checked by ``onnx.checker``.

    Raises
    ------
    ImportError
        If onnx is not installed.
    ValueError
        If ``network`` is no ReLUNetwork, has only the column of ones as feature, or has weights
        beyond the range of ``dtype``, if ``dtype`` is another one, if ``encoder`` is not fitted or does not fit the
        network, or if ``path`` is a folder or in none.
    """
    network = as_network(network)
    onnx = _import_onnx()
    layers = Layers.of(network, hidden_bias=hidden_bias, dtype=dtype)
    encoder = require_fitting(encoder, network, hidden_bias)
    model = _model(onnx, layers, None if encoder is None else RampArrays.of(encoder, dtype=dtype))
    onnx.checker.check_model(model, full_check=True)
    if path is not None:
        write_bytes(path, model.SerializeToString())
    return model


def _model(onnx: Any, layers: Layers, ramps: RampArrays | None) -> Any:
    helper = onnx.helper
    weights = {
        **({} if ramps is None else _ramp_weights(ramps)),
        "hidden": layers.hidden,
        "hidden_bias": layers.hidden_bias,
        "output": layers.output,
        "offset": layers.offset,
    }
    given = {name: array for name, array in weights.items() if array is not None}
    first = [
        "X" if ramps is None else "encoded",
        *(name for name in ("hidden", "hidden_bias") if name in given),
    ]
    nodes = [
        *([] if ramps is None else _ramp_nodes(helper)),
        helper.make_node("Gemm", first, ["hidden_values"]),
        helper.make_node("Relu", ["hidden_values"], ["activations"]),
        helper.make_node("Gemm", ["activations", "output", "offset"], ["prediction"]),
    ]
    number = helper.np_dtype_to_tensor_dtype(layers.hidden.dtype)
    graph = helper.make_graph(
        nodes,
        "two_layer_relu_network",
        [
            helper.make_tensor_value_info(
                "X", number, ["n", layers.hidden.shape[0] if ramps is None else ramps.n_columns]
            )
        ],
        [helper.make_tensor_value_info("prediction", number, ["n", layers.output.shape[1]])],
        [onnx.numpy_helper.from_array(array, name) for name, array in given.items()],
    )
    return helper.make_model(
        graph,
        producer_name="cvxnn",
        producer_version=version("cvxnn"),
        opset_imports=[helper.make_opsetid("", _OPERATOR_SET)],
        ir_version=_FORMAT,
    )


def _ramp_weights(ramps: RampArrays) -> dict[str, Any]:
    one = ramps.widths.dtype.type(1)
    return {
        "ramp_columns": ramps.columns,
        "ramp_starts": ramps.starts,
        "ramp_widths": ramps.widths,
        "zero": np.asarray(one - one),
        "one": np.asarray(one),
    }


def _ramp_nodes(helper: Any) -> list[Any]:
    """Return the nodes from "X" to "encoded"."""
    return [
        helper.make_node("Gather", ["X", "ramp_columns"], ["ramp_inputs"], axis=1),
        helper.make_node("Sub", ["ramp_inputs", "ramp_starts"], ["ramp_distances"]),
        helper.make_node("Div", ["ramp_distances", "ramp_widths"], ["ramp_heights"]),
        helper.make_node("Clip", ["ramp_heights", "zero", "one"], ["ramps"]),
        helper.make_node("Concat", ["X", "ramps"], ["encoded"], axis=1),
    ]
