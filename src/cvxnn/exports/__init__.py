"""Networks to and from PyTorch and scikit-learn, and to ONNX."""

from cvxnn.exports.mlps import from_mlp, to_mlp_classifier, to_mlp_regressor
from cvxnn.exports.onnx_models import to_onnx
from cvxnn.exports.torch_modules import from_torch, to_torch

__all__ = [
    "from_mlp",
    "from_torch",
    "to_mlp_classifier",
    "to_mlp_regressor",
    "to_onnx",
    "to_torch",
]
