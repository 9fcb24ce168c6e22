"""Walks on several threads: the same bits, chunk edges, errors, interrupts, forks, many users at once."""

from __future__ import annotations

import _thread
import multiprocessing
import signal
import threading
import time
import tracemalloc

import array_api_strict
import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from cvxnn.linear_maps import (
    MaskedMap,
    chunks,
    gated_forward,
    relu_forward,
    relu_value_and_gradients,
)
from cvxnn.threads import blas, tasks

N, D, M = 3001, 7, 40


@pytest.fixture(autouse=True)
def many_small_chunks(monkeypatch):
    """Cut every walk into chunks of 25 rows and share them out, as walks over large data are."""
    monkeypatch.setattr(chunks, "_CHUNK_ENTRIES", 1000)
    monkeypatch.setattr(chunks, "_FEWEST_ROWS", 1)
    monkeypatch.setattr(chunks, "_ENTRIES_PER_THREAD", 1)
    chunks.row_segments.cache_clear()
    with threadpool_limits(limits=1, user_api="blas"):
        yield
    chunks.row_segments.cache_clear()


def use_threads(monkeypatch, number):
    monkeypatch.setattr(tasks, "cores", lambda: number)
    monkeypatch.setattr(blas, "cores", lambda: number)
    monkeypatch.setattr(tasks, "_pools", {})
    # as if no BLAS had a say in it; the fixture above holds the real one at one thread
    monkeypatch.setattr(blas, "blas_libraries", list)


def data(n=N, m=M, dtype=np.float64):
    rng = np.random.default_rng(n + m)
    X, U = rng.standard_normal((n, D)).astype(dtype), rng.standard_normal((D, m)).astype(dtype)
    a, y = rng.standard_normal(m).astype(dtype), rng.standard_normal(n).astype(dtype)
    return X, U, a, y, rng.random((n, m)) < 0.5, rng.choice([-1.0, 1.0], m).astype(dtype)


def everything(X, U, a, y, masks, signs):
    masked = MaskedMap(X, masks, signs)
    return [
        relu_forward(X, U, a),
        relu_forward(X, U, np.stack([a, -2 * a], axis=1)),
        gated_forward(X, U[:, ::-1], U, a),
        *relu_value_and_gradients(X, U, a, lambda f, rows: f - y[rows]),
        masked.forward(U),
        masked.adjoint(y),
    ]


def naive(X, U, a, y, masks, signs):
    Z = X @ U
    relu, residual = np.maximum(Z, 0), np.maximum(Z, 0) @ a - y
    return [
        relu @ a,
        relu @ np.stack([a, -2 * a], axis=1),
        ((X @ U[:, ::-1] >= 0) * Z) @ a,
        relu @ a,
        X.T @ ((Z > 0) * residual[:, None]) * a,
        relu.T @ residual,
        (masks * Z) @ signs,
        X.T @ (masks * y[:, None]) * signs,
    ]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_number_of_threads_gives_the_same_bits(dtype, monkeypatch):
    arrays = data(dtype=dtype)
    results = []
    for number in (1, 2, 3, 8):
        use_threads(monkeypatch, number)
        results += [everything(*arrays) for _ in range(3)]
    for other in results[1:]:
        assert all(np.array_equal(x, y) for x, y in zip(results[0], other, strict=True))


def test_walks_do_run_on_several_threads(monkeypatch):
    use_threads(monkeypatch, 3)
    X, U, a, y, *_ = data()
    seen = set()

    def slow(f, rows):
        seen.add(threading.get_ident())
        time.sleep(0.001)  # longer than it takes to wake a thread
        return f - y[rows]

    relu_value_and_gradients(X, U, a, slow)
    assert 2 <= len(seen) <= 3


def test_calls_of_the_loss_never_overlap(monkeypatch):
    use_threads(monkeypatch, 4)
    X, U, a, y, *_ = data()
    inside, total = [], 0

    def loss_gradient(f, rows):
        nonlocal total
        inside.append(rows)
        before = total
        time.sleep(0.0005)
        total = before + rows.stop - rows.start
        assert inside == [rows]
        inside.remove(rows)
        return f - y[rows]

    relu_value_and_gradients(X, U, a, loss_gradient)
    assert total == N


@pytest.mark.parametrize("n", [0, 1, 24, 25, 26, 51, 1000])
@pytest.mark.parametrize("m", [0, 1, 40])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_chunk_edges(n, m, dtype, monkeypatch):
    use_threads(monkeypatch, 2)
    arrays = data(n, m, dtype)
    # sums of n x d x m products of size one, with gradients that multiply two such sums
    tolerance = 1e3 * np.finfo(dtype).eps * (1 + m) * (1 + n) ** 0.5
    for found, expected in zip(everything(*arrays), naive(*arrays), strict=True):
        assert found.dtype == dtype
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("layout", ["fortran", "reversed", "strided", "read-only", "float32 data"])
def test_any_layout_of_the_data(layout, monkeypatch):
    use_threads(monkeypatch, 2)
    X, *rest = data(500)
    if layout == "float32 data":
        X = X.astype(np.float32)
    expected = naive(X.astype(np.float64), *rest)
    given = {
        "fortran": np.asfortranarray(X),
        "reversed": X[::-1].copy()[::-1],
        "strided": np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3],
        "read-only": X.copy(),
        "float32 data": X,
    }[layout]
    given.flags.writeable = False
    for found, reference in zip(everything(given, *rest), expected, strict=True):
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, reference, rtol=0, atol=1e-10)  # rounding of sums of size 10^3


def test_single_precision_is_as_accurate_as_its_sums():
    arrays = data(dtype=np.float32)
    exact = naive(*(array if array.dtype == bool else array.astype(np.float64) for array in arrays))
    for found, expected in zip(everything(*arrays), exact, strict=True):
        # relative to the largest entry: 40 terms, or 3001 in chunks of 25, that cancel by a factor of ten
        assert np.max(np.abs(found - expected)) <= 1e-5 * np.max(np.abs(expected))


def test_an_inactive_neuron_that_overflows_is_silent():
    X, U = np.array([[1e200], [1e-200]]), np.array([[-1e200, 1.0]])
    with np.errstate(over="ignore"):
        assert relu_forward(X, U, np.ones(2)).tolist() == [1e200, 1e-200]


def test_worker_threads_see_the_callers_floating_point_settings(monkeypatch):
    use_threads(monkeypatch, 2)
    X, U, a, *_ = data()
    with np.errstate(over="ignore", invalid="ignore"):  # a warning in a worker would be an error
        assert not np.all(np.isfinite(relu_forward(1e300 * X, 1e300 * U, a)))


def failing(error, y):
    def loss_gradient(f, rows):
        if rows.start > 500:
            raise error
        return f - y[rows]

    return loss_gradient


@pytest.mark.parametrize("number", [1, 2, 4])
@pytest.mark.parametrize(
    "error", [ZeroDivisionError("here"), KeyboardInterrupt()], ids=["error", "interrupt"]
)
def test_errors_come_out_and_leave_the_pool_usable(number, error, monkeypatch):
    use_threads(monkeypatch, number)
    arrays = data()
    X, U, a, y, *_ = arrays
    before = everything(*arrays)
    for _ in range(5):
        with pytest.raises(type(error)):
            relu_value_and_gradients(X, U, a, failing(error, y))
        assert blas.single_threaded_blas._holders == 0
    assert all(np.array_equal(x, y) for x, y in zip(everything(*arrays), before, strict=True))


def test_a_real_interrupt_stops_all_threads(monkeypatch):
    use_threads(monkeypatch, 3)
    arrays = data()
    X, U, a, y, *_ = arrays
    calls = []

    def loss_gradient(f, rows):
        calls.append(rows.start)
        if len(calls) == 10:
            _thread.interrupt_main()
        time.sleep(0.005)
        return f - y[rows]

    # In a background job the signal is ignored from the start.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            relu_value_and_gradients(X, U, a, loss_gradient)
    finally:
        signal.signal(signal.SIGINT, before)
    stopped = len(calls)
    assert stopped < 110  # of 121: three threads were in the middle of segments of four
    time.sleep(0.05)
    assert len(calls) == stopped  # nobody works on
    np.testing.assert_allclose(relu_forward(X, U, a), naive(*arrays)[0], rtol=0, atol=1e-11)


def test_walks_inside_walks_and_many_user_threads(monkeypatch):
    use_threads(monkeypatch, 2)
    arrays = data(400)
    X, U, a, y, *_ = arrays
    expected = everything(*arrays)

    def nested(f, rows):
        return relu_forward(X, U, a)[rows] - y[rows]

    for found, reference in zip(relu_value_and_gradients(X, U, a, nested), expected[3:6], strict=True):
        assert np.array_equal(found, reference)
    wrong = []

    def user():
        for _ in range(5):
            found = everything(*arrays)
            if not all(np.array_equal(x, y) for x, y in zip(found, expected, strict=True)):
                wrong.append(1)

    users = [threading.Thread(target=user) for _ in range(6)]
    for thread in users:
        thread.start()
    for thread in users:
        thread.join(60)
    assert not any(thread.is_alive() for thread in users)
    assert not wrong


def _in_child(queue, arrays):
    queue.put(everything(*arrays))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_gets_threads_of_its_own(monkeypatch):
    use_threads(monkeypatch, 2)
    arrays = data(500)
    expected = everything(*arrays)  # the parent's pool has threads now, the child's copy of it has none
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_in_child, args=(queue, arrays))
    child.start()
    found = queue.get(timeout=30)
    child.join(30)
    assert child.exitcode == 0
    assert all(np.array_equal(x, y) for x, y in zip(found, expected, strict=True))


def test_no_temporary_of_full_size(monkeypatch):
    monkeypatch.undo()
    arrays = data(20000, 200)
    chunks._free.clear()
    tracemalloc.start()
    try:
        everything(*arrays)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # predictions and chunks are below 4 MB on two threads; one n x P array of float64 has 32 MB
    assert peak < 16e6


@pytest.mark.parametrize("n", [0, 1, 60])
def test_other_array_libraries_walk_the_same_way(n):
    X, U, a, y, masks, signs = data(n)
    put = array_api_strict.asarray
    found = relu_value_and_gradients(put(X), put(U), put(a), lambda f, rows: f - put(y)[rows])
    masked = MaskedMap(put(X), put(masks), put(signs))
    found = [relu_forward(put(X), put(U), put(a)), *found, masked.forward(put(U)), masked.adjoint(put(y))]
    reference = naive(X, U, a, y, masks, signs)
    for array, expected in zip(found, [reference[0], *reference[3:]], strict=True):
        np.testing.assert_allclose(np.asarray(array), expected, rtol=0, atol=1e-10)
