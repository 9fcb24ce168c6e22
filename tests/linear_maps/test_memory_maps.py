"""Data on disk: problems hold no copy, and give what they give with the data in memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from cvxnn import GatedReLUNetwork, Problem, ReLUNetwork
from cvxnn.linear_maps import relu_value_and_gradients
from cvxnn.validation import as_finite_data

N, D, M = 100_000, 40, 6  # 32 MB in float64


def write(path, dtype, n=N):
    rng = np.random.default_rng(0)
    np.save(path, rng.standard_normal((n, D)).astype(dtype))
    network = ReLUNetwork(rng.standard_normal((D, M)), rng.standard_normal(M))
    return np.load(path, mmap_mode="r"), rng.standard_normal(n), network


def peak_of(run):
    tracemalloc.start()
    try:
        result = run()
        return result, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_the_size_of_the_data_is_made(dtype, tmp_path):
    X, y, network = write(tmp_path / "X.npy", dtype)
    gated = GatedReLUNetwork(-network.hidden, network.hidden, network.output)

    def walks():
        problem = Problem(X, y, 0.1)
        lam = problem.dual_variable(network.predict(problem.X))
        values = (
            problem.objective(network),
            problem.with_beta(0.2).objective(network),
            problem.objective(gated),
        )
        gradients = relu_value_and_gradients(
            problem.X, network.hidden, network.output, lambda f, rows: f - y[rows]
        )
        return problem, [lam, *values, *gradients]

    walks()  # buffers of the chunks, some MB for each thread, are made once and kept
    (problem, found), peak = peak_of(walks)
    # a few arrays of n numbers (0.8 MB each) and chunks of a few MB; X has 16 or 32 MB
    assert peak < 12e6
    assert problem.X is problem.with_beta(0.2).X is X
    assert problem.X.dtype == dtype

    memory = np.asarray(X, dtype=np.float64)
    same, f = Problem(memory, y, 0.1), network.predict(memory)
    expected = [same.dual_variable(f)]
    expected += [same.objective(network), same.with_beta(0.2).objective(network), same.objective(gated)]
    expected += relu_value_and_gradients(memory, network.hidden, network.output, lambda f, rows: f - y[rows])
    for a, b in zip(found, expected, strict=True):  # the same numbers in float64, in the same order
        assert np.array_equal(a, b)


def test_a_file_that_may_be_written_to_is_copied(tmp_path):
    write(tmp_path / "X.npy", np.float64, n=5)
    for mode in ("r+", "c"):
        X = np.load(tmp_path / "X.npy", mmap_mode=mode)
        problem = Problem(X, np.ones(5), 1.0)
        kept = problem.X.copy()
        X[0, 0] += 1
        assert not isinstance(problem.X, np.memmap)
        assert np.array_equal(problem.X, kept)


def test_files_of_other_numbers_are_converted(tmp_path):
    for dtype in (np.int32, ">f8"):
        np.save(tmp_path / "X.npy", np.arange(6).reshape(3, 2).astype(dtype))
        problem = Problem(np.load(tmp_path / "X.npy", mmap_mode="r"), np.ones(3), 1.0)
        assert problem.X.dtype == np.float64
        assert problem.X.tolist() == [[0, 1], [2, 3], [4, 5]]


def test_a_file_in_use_cannot_be_written_through_the_problem(tmp_path):
    X, y, _ = write(tmp_path / "X.npy", np.float32, n=5)
    problem = Problem(X, y, 1.0)
    with pytest.raises(ValueError, match="read-only"):
        problem.X[0, 0] = 1.0


@pytest.mark.parametrize("where", [0, 1_234_567, N * D - 1])
def test_every_part_of_a_file_is_checked(where, tmp_path):
    write(tmp_path / "X.npy", np.float32)
    np.load(tmp_path / "X.npy", mmap_mode="r+").reshape(-1)[where] = np.nan
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    with pytest.raises(ValueError, match="X must be finite; found 1 NaN or infinite of 4000000 entries"):
        Problem(X, np.ones(N), 1.0)


def test_training_asks_for_float64_and_names_the_remedy(tmp_path):
    X, y, _ = write(tmp_path / "X.npy", np.float32, n=50)
    problem = Problem(X, y, 1.0)
    with pytest.raises(
        ValueError, match=r"X must be float64 .* got a file of float32.*problem\.in_memory\(\)"
    ):
        problem.require_trainable()
    inside = problem.in_memory()
    inside.require_trainable()
    assert type(inside.X) is np.ndarray
    assert np.array_equal(inside.X, X)
    assert inside.in_memory() is inside
    assert (inside.beta, inside.loss, inside.output_offset) == (1.0, problem.loss, False)


def test_data_are_taken_as_they_are_only_where_walks_can_use_them():
    for array in (np.ones((2, 2)), np.ones((2, 2), dtype=np.float32)):
        assert as_finite_data(array, "X") is array
    for value in ([[1, 2]], np.ones((1, 2), dtype=np.float16), np.ma.ones((1, 2))):
        assert type(as_finite_data(value, "X")) is np.ndarray
        assert as_finite_data(value, "X").dtype == np.float64
    with pytest.raises(ValueError, match=r"X must be 2-D; got shape \(2,\)"):
        as_finite_data(np.ones(2), "X")
    with pytest.raises(ValueError, match=r"X must not be empty; got shape \(0, 2\)"):
        as_finite_data(np.ones((0, 2), dtype=np.float32), "X")
