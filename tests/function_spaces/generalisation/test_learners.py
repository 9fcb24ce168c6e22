"""Learning in F_1 and F_2: each fit is the optimum of its problem, each choice the best on the validation sample."""

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge

from cvxnn import Problem, ReLUProgram, beta_max, enumerate_patterns, solve
from cvxnn.function_spaces.generalisation.learners import KernelLearner, TrainingSample, VariationNormLearner
from cvxnn.function_spaces.kernels.arc_cosine import ArcCosineKernel


@pytest.fixture(scope="module")
def sample():
    rng = np.random.default_rng(0)
    X = np.hstack([rng.standard_normal((24, 1)), np.ones((24, 1))])
    y = np.abs(X[:, 0]) + 0.2 * rng.standard_normal(24)
    return TrainingSample(X[:12], y[:12], X[12:], y[12:])


def validation_error(f, sample):
    return np.mean((f - sample.validation_y) ** 2)


def test_f1_is_the_optimum_of_the_convex_program(sample):
    ratios = (0.5, 0.1, 0.02)
    learnt = VariationNormLearner(ratios, tol=1e-6, prove=True).learn(sample)
    beta = ratios[learnt.choice] * beta_max(sample.features, sample.y)
    program = ReLUProgram(Problem(sample.features, sample.y, beta), enumerate_patterns(sample.features))
    exact = solve(program, solver="interior_point", tol=1e-9).objective
    # both to the gap of 1e-6 that training is asked for
    assert learnt.certificate.objective == pytest.approx(exact, rel=2e-6)
    assert learnt.certificate.proven


def test_f1_chooses_the_best_on_the_validation_sample(sample):
    ratios = (0.5, 0.1, 0.02)
    chosen = VariationNormLearner(ratios).learn(sample)
    errors = []
    for ratio in ratios:
        alone = VariationNormLearner((ratio,)).learn(sample)
        errors.append(validation_error(alone.predict(sample.validation_features), sample))
    assert chosen.choice == np.argmin(errors)


def test_f2_is_kernel_ridge_regression(sample):
    learnt = KernelLearner((0.1,)).learn(sample)
    kernel = ArcCosineKernel(1)
    gram = kernel.gram(sample.features)
    ridge = KernelRidge(alpha=0.1 * np.linalg.norm(gram, 2), kernel="precomputed").fit(gram, sample.y)
    expected = ridge.predict(kernel.gram(sample.validation_features, sample.features))
    # well conditioned: rounding of 12 terms
    np.testing.assert_allclose(learnt.predict(sample.validation_features), expected, atol=1e-12)


def test_f2_chooses_the_best_on_the_validation_sample(sample):
    ratios = KernelLearner().ratios
    errors = [
        validation_error(KernelLearner((ratio,)).learn(sample).predict(sample.validation_features), sample)
        for ratio in ratios
    ]
    assert KernelLearner().learn(sample).choice == np.argmin(errors)


def test_nearly_the_critical_decay_learns_nearly_nothing(sample):
    learnt = VariationNormLearner((0.999,)).learn(sample)
    # the path is continuous: at 0.999 of the critical decay a network of 0.001 of its slope
    assert np.max(np.abs(learnt.predict(sample.features))) < 0.05 * np.max(np.abs(sample.y))


@pytest.mark.parametrize("ratios", [[], [1.0], [0.1, 0.2], [0.1, -0.1], [np.nan]])
@pytest.mark.parametrize("learner", [VariationNormLearner, KernelLearner])
def test_bad_ratios_are_named(learner, ratios):
    with pytest.raises(ValueError, match="ratios must"):
        learner(ratios)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"tol": -1}, "tol"),
        ({"max_seconds": "a"}, "max_seconds"),
        ({"max_rounds": -1}, "max_rounds"),
        ({"prove": "yes"}, "prove"),
    ],
)
def test_bad_settings_are_named(settings, name):
    with pytest.raises(ValueError, match=f"{name} must"):
        VariationNormLearner(**settings)
    with pytest.raises(ValueError, match="kernel must be an ArcCosineKernel; got 'rbf'"):
        KernelLearner(kernel="rbf")
