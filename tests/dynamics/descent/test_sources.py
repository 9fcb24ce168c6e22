"""Where gradients come from."""

import numpy as np
import pytest

from cvxnn import Problem
from cvxnn.dynamics.descent.simulation import simulate
from cvxnn.dynamics.descent.sources import FreshSamples, FullBatch, MiniBatches, as_source, judging_objective
from cvxnn.dynamics.initialisation import he
from cvxnn.dynamics.starts.objectives import BatchedObjective, Samples


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


def test_networks_see_samples_of_their_own_unless_they_are_to_share_them(rng):
    data, start = problem(rng, n=30), he(2, 4).repeat(3)
    own = simulate(MiniBatches(data, 2), start, n_steps=5, step_size=0.01).final
    shared = simulate(MiniBatches(data, 2, common=True), start, n_steps=5, step_size=0.01).final
    assert not np.allclose(own.hidden[0], own.hidden[1])
    np.testing.assert_array_equal(shared.hidden[0], shared.hidden[1])


def test_samples_of_each_network_give_each_its_own_gradient(rng):
    """The same as one network after the other, whatever the activation and loss."""
    X, y = rng.standard_normal((3, 5, 2)), rng.choice([-1.0, 1.0], (3, 5))
    hidden, output = rng.standard_normal((2, 3, 4)), rng.standard_normal((3, 4))
    for activation, loss in (("relu", "squared"), ("sigmoid", "logistic"), ("squared_relu", "squared_hinge")):
        together = BatchedObjective(Samples(X, y, loss, 0.5), 0.1, activation)
        values, (grad_hidden, grad_output) = together.value_and_gradient(hidden, output)
        for b in range(3):
            alone = BatchedObjective(Samples(X[b], y[b], loss, 0.5), 0.1, activation)
            value, (one, other) = alone.value_and_gradient(hidden[:, b : b + 1], output[b : b + 1])
            np.testing.assert_allclose(values[b], value[0], rtol=1e-13)
            np.testing.assert_allclose(grad_hidden[:, b], one[:, 0], rtol=1e-12, atol=1e-14)
            np.testing.assert_allclose(grad_output[b], other[0], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda X, y: MiniBatches(3), "problem must be a Problem; got int"),
        (lambda X, y: FullBatch("p"), "problem must be a Problem; got str"),
        (lambda X, y: FreshSamples(None, (X, y)), "sampler must be a function"),
        (lambda X, y: FreshSamples(lambda rng: None, (X,)), "test must give a pair"),
        (lambda X, y: FreshSamples(lambda rng: None, (X[0], y)), r"test must give samples of shape \(n, d\)"),
    ],
)
def test_arguments_of_sources_are_checked(make, message, rng):
    with pytest.raises(ValueError, match=message):
        make(rng.standard_normal((4, 2)), rng.standard_normal(4))


@pytest.mark.parametrize(
    ("drawn", "message"),
    [
        (None, "sampler must give a pair"),
        ((np.ones((4, 3)), np.ones(4)), "sampler must return samples of 2 columns"),
        ((np.ones((4, 2)), np.ones((5, 4))), "sampler must return targets of 1 networks; got 5"),
    ],
)
def test_what_a_sampler_returns_is_checked(drawn, message):
    source = FreshSamples(lambda rng: drawn, (np.ones((4, 2)), np.ones(4)))
    with pytest.raises(ValueError, match=message):
        simulate(source, he(2, 3), n_steps=1, step_size=0.1)
