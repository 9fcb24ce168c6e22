"""Paths: decreasing betas, warm starts as good as fits from scratch, limits of time."""

import importlib
from dataclasses import replace
from time import perf_counter

import numpy as np
import pytest

from cvxnn import Problem, ReLUClassifier, beta_max, relu_path, train
from cvxnn.certificates import Certificate
from cvxnn.estimators.path import train_path
from cvxnn.plots import path as path_curves
from cvxnn.statuses import SolveStatus


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(3)
    x = rng.uniform(-1, 1, 40)
    X = np.column_stack([x, np.ones(40)])
    return Problem(X, np.abs(x) + 0.1 * rng.standard_normal(40), 0.0, output_offset=True)


@pytest.fixture(scope="module")
def path(problem):
    return relu_path(problem.X, problem.y, output_offset=True, n_betas=8, ratio=1e-2)


def test_betas_go_from_the_critical_one_down_in_equal_factors(problem, path):
    np.testing.assert_allclose(path.betas, beta_max(problem) * np.geomspace(1, 1e-2, 8))
    assert path.n_neurons[0] == 0
    assert np.all(path.n_neurons[1:] > 0)
    assert len(path) == len(path.networks) == len(path.certificates) == len(path.seconds) == 8


def test_objectives_are_those_of_fits_from_scratch(problem, path):
    # min over networks of loss + beta times penalty: rising and concave in beta.
    assert np.all(np.diff(path.objectives) < 0)
    slopes = np.diff(path.objectives) / np.diff(path.betas)
    assert np.all(np.diff(slopes) > -1e-3 * slopes[-1])
    for beta, result in zip(path.betas, path.results, strict=True):
        scratch = train(problem.with_beta(beta)).certificate
        assert isinstance(result.certificate, Certificate)
        assert result.certificate.objective == pytest.approx(
            problem.with_beta(beta).objective(result.network), rel=1e-12
        )
        # Both are within tol of the optimum.
        assert result.certificate.objective == pytest.approx(scratch.objective, rel=1e-3)


def test_a_quick_path_is_nearly_as_good(problem, path):
    quick = relu_path(problem.X, problem.y, output_offset=True, betas=path.betas, quick=True)
    np.testing.assert_allclose(quick.objectives, path.objectives, rtol=5e-3)


def test_certificates_are_proved_where_they_are_asked_for():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((15, 4))
    path = relu_path(X, np.abs(X[:, 0]), n_betas=3, ratio=0.1, certify=True)
    assert all(certificate.lower_bound > 0 for certificate in path.certificates)
    assert all(certificate.proven for certificate in path.certificates)


def test_several_outputs_and_weights_of_samples(problem):
    y = np.column_stack([problem.y, -2.0 * problem.y])
    weights = np.linspace(0.5, 2.0, 40)
    path = relu_path(
        problem.X, y, betas=[1.0, 0.3], loss="huber", sample_weight=weights, output_offset=True, tol=1e-2
    )
    expected = Problem(problem.X, y, 0.3, "huber", output_offset=True, sample_weight=weights)
    assert path.objectives[1] == pytest.approx(expected.objective(path.networks[1]), rel=1e-12)


def test_classification_too(three_classes):
    model = ReLUClassifier(beta_ratio=1.0, max_seconds=1.0).fit(*three_classes)
    path = train_path(model.problem_, model.beta_ * np.array([1.0, 0.3, 0.1]), tol=1e-2, quick=True)
    assert np.all(np.diff(path.objectives) < 0)


def test_pictures_take_a_path(path):
    np.testing.assert_array_equal(path_curves(path).neurons, path.n_neurons)


def test_networks_can_be_mapped(path):
    empty = path.map_networks(lambda network: network.select([]))
    assert list(empty.n_neurons) == [0] * 8
    assert empty.certificates == path.certificates
    assert "8 betas" in repr(path)


def test_a_limit_of_time_leaves_every_beta_a_network(problem):
    started = perf_counter()
    path = relu_path(problem.X, problem.y, n_betas=20, ratio=1e-3, max_seconds=0.05)
    # Each beta takes the time of a start at least, tenths of a second together on a slow machine.
    assert perf_counter() - started < 10.0
    assert len(path) == 20
    assert path.results[-1].status is SolveStatus.MAX_SECONDS
    assert np.all(np.isfinite(path.objectives))


def test_an_interrupt_ends_the_path(problem, monkeypatch):
    module = importlib.import_module("cvxnn.estimators.path")
    calls = []

    def interrupted(*args, **options):
        calls.append(options)
        result = train(*args, **options)
        return replace(result, status=SolveStatus.INTERRUPTED) if len(calls) == 2 else result

    monkeypatch.setattr(module, "train", interrupted)
    path = train_path(problem, np.array([1.0, 0.5, 0.2]), tol=1e-2)
    assert len(path) == len(calls) == 2
    assert path.results[-1].status is SolveStatus.INTERRUPTED


def test_an_interrupt_of_a_proof_ends_the_path(monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 20))  # too many cells for an exact proof
    problem = Problem(X, np.maximum(X[:, 0], 0.0), 1.0)

    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("cvxnn.certificates.proving.improving_bounds", interrupted)
    path = train_path(problem, np.array([5.0, 4.0]), tol=1e-3, max_seconds=2.0, prove=True)
    assert len(path) == 1
    assert path.results[-1].status is SolveStatus.INTERRUPTED


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"betas": [1.0, 2.0]}, "betas must be decreasing"),
        ({"betas": [1.0, 0.0]}, "betas must be decreasing and > 0"),
        ({"n_betas": 0}, "n_betas must be an integer >= 1"),
        ({"ratio": 1.0}, "ratio must be < 1"),
        ({"loss": "unknown"}, "loss"),
        ({"betas": [1.0], "tol": 0.0}, "tol"),
    ],
)
def test_bad_options_are_named(problem, options, message):
    with pytest.raises(ValueError, match=message):
        relu_path(problem.X, problem.y, **options)


def test_betas_must_be_given_where_none_is_critical():
    with pytest.raises(ValueError, match="the critical one is 0"):
        relu_path([[1.0], [2.0]], [3.0, 3.0], output_offset=True)


def test_the_old_name_of_the_ratio_works_for_one_release():
    with pytest.warns(DeprecationWarning, match="relu_path: the argument eps is now called ratio"):
        path = relu_path([[1.0], [-1.0]], [2.0, 1.0], n_betas=3, eps=0.36)
    np.testing.assert_allclose(path.betas, [2.0, 1.2, 0.72])
