"""Random neurons as features: the contract of transformers, and the kernel that they tend to."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from cvxnn.function_spaces.kernels.random_features import ReLURandomFeatures, random_neurons
from cvxnn.function_spaces.kernels.ridge import RandomFeatureRegressor
from cvxnn.statistics import log_log_slope


def samples(seed=0, n=6, d=3):
    return np.random.default_rng(seed).standard_normal((n, d))


@pytest.mark.parametrize("degree", [0, 1, 2])
def test_it_keeps_scikit_learns_contract(degree, recwarn):
    results = check_estimator(ReLURandomFeatures(degree=degree), on_skip=None, on_fail=None)
    assert {r["check_name"] for r in results if r["status"] == "skipped"} <= {"check_array_api_input"}
    assert [r["check_name"] for r in results if r["status"] in ("failed", "xfail")] == []
    recwarn.clear()  # the checks provoke warnings on purpose


@pytest.mark.parametrize("degree", [0, 1, 2])
@pytest.mark.parametrize("measure", ["sphere", "gaussian"])
def test_errors_fall_like_one_over_the_root_of_the_neurons(degree, measure):
    X, widths, repetitions = samples(), [16, 64, 256, 1024, 4096], 20
    errors = np.array([[_error(X, degree, measure, m, seed) for seed in range(repetitions)] for m in widths])
    slope = log_log_slope(widths, errors)
    # The mean square falls exactly like 1 / m, the mean of logarithms up to what widths of 16 are not yet normal:
    # slopes were within 0.04. Five standard errors, of about 0.02, would let through what is off by 0.1.
    assert slope.value == pytest.approx(-0.5, abs=0.06)
    assert slope.standard_error < 0.03


def _error(X, degree, measure, width, seed):
    features = ReLURandomFeatures(width, degree=degree, measure=measure, random_state=seed).fit(X)
    Phi, gram = features.transform(X), features.kernel_.gram(X)
    return np.linalg.norm(Phi @ Phi.T - gram) / np.linalg.norm(gram)


@pytest.mark.parametrize("degree", [0, 1, 2])
def test_the_error_has_the_size_of_its_variance(degree):
    X, m, repetitions = samples(n=3), 50, 4000
    features = ReLURandomFeatures(m * repetitions, degree=degree, random_state=0).fit(X)
    hidden = features.transform(X) * np.sqrt(m * repetitions)
    products = hidden[:, None] * hidden[None]
    estimates = products.reshape(3, 3, repetitions, m).mean(axis=3)
    squares = np.mean((estimates - features.kernel_.gram(X)[:, :, None]) ** 2, axis=2)
    # 4,000 squares of nearly normal errors: 2 % of standard error, somewhat more for the heavier tails of k = 2.
    assert_allclose(squares, np.var(products, axis=2) / m, rtol=0.1)


def test_a_wrong_scale_is_seen():
    # A planted fault: features over m instead of its root.
    X = samples()
    features = ReLURandomFeatures(4096, random_state=0).fit(X)
    Phi, gram = features.transform(X) / np.sqrt(4096), features.kernel_.gram(X)
    assert np.linalg.norm(Phi @ Phi.T - gram) > 0.9 * np.linalg.norm(gram)


def test_weights_on_the_sphere_have_length_one():
    assert_allclose(np.linalg.norm(random_neurons(4, 100, "sphere", 0), axis=0), 1.0)
    normal = random_neurons(4, 100_000, "gaussian", 0)
    assert_allclose(normal @ normal.T / 100_000, np.eye(4), atol=0.02)  # 4 standard errors of 0.0045


def test_wider_layers_begin_with_the_same_neurons():
    few, many = (random_neurons(3, m, "sphere", 7) for m in (5, 50))
    assert np.array_equal(few, many[:, :5])


def test_the_seed_decides():
    X = samples()
    first, again, other = (ReLURandomFeatures(random_state=seed).fit_transform(X) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.allclose(first, other)


def test_in_a_pipeline_it_is_the_random_feature_regressor():
    X, y = samples(n=40), samples(1, n=40)[:, 0]
    pipeline = make_pipeline(ReLURandomFeatures(30, random_state=0), Ridge(0.1, fit_intercept=False)).fit(
        X, y
    )
    regressor = RandomFeatureRegressor(0.1, n_components=30, random_state=0).fit(X, y)
    assert_allclose(regressor.predict(X), pipeline.predict(X), rtol=1e-9)


def test_names_of_features():
    names = ReLURandomFeatures(2).fit(samples()).get_feature_names_out()
    assert list(names) == ["relurandomfeatures0", "relurandomfeatures1"]


@pytest.mark.parametrize("wrong", [{"degree": 3}, {"n_components": 0}, {"radius": -1.0}, {"measure": "ball"}])
def test_bad_parameters_are_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ReLURandomFeatures(**wrong).fit(samples())


def test_bad_neurons_are_named():
    with pytest.raises(ValueError, match="measure must be 'sphere' or 'gaussian'; got 'foo'"):
        random_neurons(3, 4, "foo")
    with pytest.raises(ValueError, match="n_neurons must be an integer >= 0"):
        random_neurons(3, -1, "sphere")
    with pytest.raises(ValueError, match="random_state must be"):
        random_neurons(3, 4, "sphere", "seed")
    draws = [random_neurons(3, 4, "sphere", np.random.default_rng(0)) for _ in range(2)]
    assert np.array_equal(*draws)
