"""The maps that walk over the rows of X: hidden layers, masked blocks, and their adjoints.

Rows are taken in chunks, so that a chunk's temporaries stay in cache and no array of n x P numbers is ever made; so X
may be a memory-mapped file larger than memory. NumPy arrays are walked over in place, by a thread per core with
single-threaded BLAS inside, and give the same bits for every number of threads. Arrays of other libraries run the
same walks in their own namespace (Array API standard).
"""

from cvxnn.linear_maps.chunks import row_chunks
from cvxnn.linear_maps.hidden_layer import gated_forward, relu_forward, relu_value_and_gradients
from cvxnn.linear_maps.masked import MaskedMap

__all__ = [
    "MaskedMap",
    "gated_forward",
    "relu_forward",
    "relu_value_and_gradients",
    "row_chunks",
]
