"""Where gradients come from."""

import numpy as np
import pytest

from cvxnn import Problem
from cvxnn.dynamics.objectives import BatchedObjective
from cvxnn.dynamics.sources import FreshSamples, FullBatch, MiniBatches, as_source, judging_objective


def problem(rng, n=4, **settings):
    return Problem(rng.standard_normal((n, 2)), rng.standard_normal(n), **{"beta": 0.1, **settings})


def point(rng, B=2, m=3):
    return rng.standard_normal((2, B, m)), rng.standard_normal((B, m))


def gradient(samples, beta, at):
    return BatchedObjective(samples, beta).gradient(*at)


@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 3.0, 4.0]])
def test_the_mean_over_all_mini_batches_is_the_gradient(rng, weights):
    """Unbiased exactly: every sample once, each batch of one, weighs 1/n."""
    given = problem(rng, sample_weight=weights)
    source, at = MiniBatches(given), point(rng)
    whole = gradient(source.judge(), source.beta, at)
    parts = [gradient(source.judge().rows([i], 4.0), source.beta, at) for i in range(4)]
    for k in range(2):
        np.testing.assert_allclose(np.mean([part[k] for part in parts], axis=0), whole[k], rtol=1e-12)


@pytest.mark.parametrize("size", [1, 3, 10])
def test_drawn_mini_batches_are_unbiased_to_sampling_error(rng, size):
    source, at, draws = MiniBatches(problem(rng), size), point(rng), np.random.default_rng(3)
    whole = gradient(source.judge(), source.beta, at)[0]
    drawn = np.array([gradient(source.draw(draws), source.beta, at)[0] for _ in range(2000)])
    error = np.std(drawn, axis=0) / np.sqrt(2000)
    # Twelve numbers; five standard errors are missed with odds of 1e-5.
    assert np.all(np.abs(drawn.mean(axis=0) - whole) <= 5 * error + 1e-12)


def test_a_mini_batch_without_its_factor_is_biased(rng):
    """A planted fault: losses of a batch that are not multiplied by n / size."""
    source, at = MiniBatches(problem(rng, beta=0.0)), point(rng)
    whole = gradient(source.judge(), 0.0, at)[0]
    parts = [gradient(source.judge().rows([i]), 0.0, at)[0] for i in range(4)]
    np.testing.assert_allclose(np.mean(parts, axis=0), whole / 4, rtol=1e-12)


def test_full_batches_are_the_problem(rng):
    given = problem(rng)
    source = FullBatch(given)
    assert source.beta == 0.1
    assert source.draw(rng) is source.judge()
    np.testing.assert_array_equal(source.judge().X, given.X)
    assert isinstance(as_source(given), FullBatch)
    assert as_source(source) is source


def test_fresh_samples_are_drawn_anew_and_judged_on_the_test_set(rng):
    X, y = rng.standard_normal((50, 2)), rng.standard_normal(50)
    source = FreshSamples(lambda r: (r.standard_normal((5, 2)), np.zeros(5)), (X, y), beta=0.2)
    first, second = source.draw(rng), source.draw(rng)
    assert np.all(first.X != second.X)
    assert source.beta == 0.2
    at = point(rng)
    values = judging_objective(source, "relu").loss(*at)
    f = np.maximum(np.einsum("nd,dbm->bnm", X, at[0]), 0.0) @ at[1][:, :, None]
    np.testing.assert_allclose(values, 0.5 * np.mean((f[..., 0] - y) ** 2, axis=1), rtol=1e-13)


def test_wrong_sources_are_refused(rng):
    with pytest.raises(ValueError, match="source must be a Problem, FullBatch"):
        as_source("data")
    with pytest.raises(ValueError, match="size must be an integer >= 1"):
        MiniBatches(problem(rng), 0)
    with pytest.raises(ValueError, match="beta must be"):
        FreshSamples(lambda r: None, (np.ones((2, 2)), np.ones(2)), beta=-1.0)
