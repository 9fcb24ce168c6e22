"""The maps over rows: adjoint, chunks, gradients, and namespace, dtype and device of every output."""

from __future__ import annotations

import array_api_strict
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn import SquaredLoss
from cvxnn.linear_maps import MaskedMap, relu_forward, relu_value_and_gradients, row_chunks
from cvxnn.testing import samplers

seeds = st.integers(0, 2**32 - 1)
DEVICES = [array_api_strict.Device("CPU_DEVICE"), array_api_strict.Device("device1")]


def sample(seed, n=7, d=3, m=4):
    rng = np.random.default_rng(seed)
    X = samplers.off_origin(rng, n, d)
    return rng, X, rng.standard_normal((d, m)), rng.random((n, m)) < 0.5, rng.choice([-1.0, 1.0], m)


@given(n_rows=st.integers(0, 3000), width=st.integers(0, 10**6))
def test_chunks_cover_every_row_once_and_stay_small(n_rows, width):
    chunks = list(row_chunks(n_rows, width))
    sizes = [chunk.stop - chunk.start for chunk in chunks]
    assert sum(sizes) == n_rows
    assert [chunk.stop for chunk in chunks] == np.cumsum(sizes).tolist()
    assert all(0 < size and (size == 1 or size * max(1, width) <= 2**16) for size in sizes)
    assert not sizes or max(sizes) - min(sizes) <= 1


@given(seed=seeds)
def test_masked_map_is_the_sum_of_its_blocks(seed):
    _, X, W, masks, signs = sample(seed)
    expected = sum(s * mask * (X @ w) for s, mask, w in zip(signs, masks.T, W.T, strict=True))
    # seven sums of 3 x 4 products of numbers below 10^2
    np.testing.assert_allclose(MaskedMap(X, masks, signs).forward(W), expected, rtol=0, atol=1e-12)


@given(seed=seeds)
def test_adjoint_of_the_masked_map(seed):
    rng, X, W, masks, signs = sample(seed)
    masked, lam = MaskedMap(X, masks, signs), rng.standard_normal(7)
    assert masked.forward(W) @ lam == pytest.approx(np.sum(W * masked.adjoint(lam)), abs=1e-11)


def test_chunked_walks_have_no_seams():
    # 500 blocks make chunks of 131 rows at most: eight of them, of 125 rows.
    rng, X, W, masks, signs = sample(0, n=1000, d=3, m=500)
    masked, lam = MaskedMap(X, masks, signs), rng.standard_normal(1000)
    assert len(list(row_chunks(1000, 500))) == 8
    forward = ((X @ W) * masks) @ signs
    adjoint = X.T @ (masks * lam[:, None]) * signs
    np.testing.assert_allclose(masked.forward(W), forward, rtol=0, atol=1e-10)  # 500 terms of size ten
    np.testing.assert_allclose(masked.adjoint(lam), adjoint, rtol=0, atol=1e-10)
    output = rng.standard_normal(500)
    f, dU, da = relu_value_and_gradients(X, W, output, lambda part, rows: part - lam[rows])
    active = X @ W > 0
    hidden_layer = np.where(active, X @ W, 0.0)
    residual = hidden_layer @ output - lam
    np.testing.assert_allclose(f, hidden_layer @ output, rtol=0, atol=1e-10)
    np.testing.assert_allclose(relu_forward(X, W, output), hidden_layer @ output, rtol=0, atol=1e-10)
    # gradients are sums over 1000 residuals of size 10^2, times data of size ten
    np.testing.assert_allclose(da, hidden_layer.T @ residual, rtol=0, atol=1e-7)
    np.testing.assert_allclose(dU, X.T @ (active * residual[:, None]) * output, rtol=0, atol=1e-7)


@given(seed=seeds)
def test_gradients_match_finite_differences(seed):
    rng, X, U, _, _ = sample(seed)
    a, y, loss = rng.standard_normal(4), rng.standard_normal(7), SquaredLoss()
    dU, da = rng.standard_normal(U.shape), rng.standard_normal(4)

    def value(t):
        return loss.value(relu_forward(X, U + t * dU, a + t * da), y)

    f, gU, ga = relu_value_and_gradients(X, U, a, lambda part, rows: loss.gradient(part, y[rows]))
    slope = np.sum(gU * dU) + ga @ da
    h = 1e-7
    kinks = np.sort(np.abs((X @ U) / (X @ dU)).ravel())
    if kinks[0] > 2 * h:  # a step across a kink has another slope
        # central differences: third derivatives times h^2, and rounding of values of size 10^4 over h
        assert (value(h) - value(-h)) / (2 * h) == pytest.approx(slope, rel=1e-5, abs=1e-4)
    assert np.array_equal(f, relu_forward(X, U, a)) or np.allclose(
        f, relu_forward(X, U, a), rtol=0, atol=1e-12
    )


def test_at_a_kink_the_derivative_of_the_relu_is_zero():
    X, U, a = np.array([[1.0], [0.0]]), np.zeros((1, 1)), np.ones(1)
    f, dU, da = relu_value_and_gradients(X, U, a, lambda part, rows: part - 1.0)
    assert f.tolist() == [0.0, 0.0]
    assert dU.tolist() == [[0.0]]
    assert da.tolist() == [0.0]


@pytest.mark.parametrize("device", DEVICES, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_output_keeps_namespace_dtype_and_device(dtype, device):
    _, X, U, masks, signs = sample(1)
    xp = array_api_strict
    kind = getattr(xp, dtype)

    def put(array, dtype=kind):
        return xp.asarray(array, dtype=dtype, device=device)

    outputs = np.stack([np.arange(4.0), np.ones(4)], axis=1)
    y, loss = put(np.arange(7.0)), SquaredLoss()
    masked = MaskedMap(put(X), put(masks, xp.bool), put(signs))
    results = {
        "relu_forward (m,)": (
            relu_forward(put(X), put(U), put(outputs[:, 0])),
            relu_forward(X, U, outputs[:, 0]),
        ),
        "relu_forward (m, C)": (relu_forward(put(X), put(U), put(outputs)), relu_forward(X, U, outputs)),
        "forward": (masked.forward(put(U)), MaskedMap(X, masks, signs).forward(U)),
        "adjoint": (masked.adjoint(y), MaskedMap(X, masks, signs).adjoint(np.arange(7.0))),
        "loss gradient": (loss.gradient(y, 2 * y), -np.arange(7.0)),
    }
    found = relu_value_and_gradients(put(X), put(U), put(outputs[:, 0]), lambda part, rows: part - y[rows])
    expected = relu_value_and_gradients(X, U, outputs[:, 0], lambda part, rows: part - np.arange(7.0)[rows])
    results |= {name: pair for name, *pair in zip(("f", "dU", "da"), found, expected, strict=True)}
    tolerance = 1e-12 if dtype == "float64" else 1e-5  # of sums of size 10^3 at most
    for name, (array, reference) in results.items():
        assert array.__array_namespace__() is xp, name
        assert array.dtype == kind, name
        assert array.device == device, name
        host = np.asarray(
            xp.to_device(array, DEVICES[0]) if hasattr(xp, "to_device") else array.to_device(DEVICES[0])
        )
        np.testing.assert_allclose(
            host, reference, rtol=0, atol=tolerance * (1 + np.max(np.abs(reference))), err_msg=name
        )
    assert type(loss.value(y, 2 * y)) is type(loss.conjugate(y, y)) is float


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numpy_outputs_keep_their_dtype(dtype):
    _, X, U, masks, signs = sample(2)
    X, U, signs = (array.astype(dtype) for array in (X, U, signs))
    masked = MaskedMap(X, masks, signs)
    arrays = [relu_forward(X, U, U[0]), masked.forward(U), masked.adjoint(X[:, 0])]
    arrays += relu_value_and_gradients(X, U, U[0], lambda part, rows: part)
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}
