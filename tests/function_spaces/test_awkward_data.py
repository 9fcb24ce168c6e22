"""Every public function of the room on degenerate data and at extreme scales: right, or refused in the user's words."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import cvxnn.function_spaces
from cvxnn import Problem, ReLUNetwork, beta_max
from cvxnn.activations import PositivePart
from cvxnn.function_spaces import (
    AdditiveTarget,
    ArcCosineCovariance,
    ArcCosineKernel,
    ConditionalGradient,
    KernelLearner,
    KernelSpaceRegressor,
    RandomFeatureRegressor,
    ReLURandomFeatures,
    ThresholdOracle,
    TrainingSample,
    UnitNetwork,
    VariationNormLearner,
    approximate_on_circle,
    conditional_gradient_rate,
    constrained_fit,
    draw_inputs,
    error_decomposition,
    excess_risk_curve,
    feature_radius,
    gamma_2,
    hardest_waves,
    log_log_slope,
    mean_neuron_norm,
    neuron_norms,
    neuron_on_circle,
    neuron_oracle,
    norm_inequality,
    penalty_and_constraint,
    rademacher_complexity,
    rademacher_curve,
    random_neurons,
    strict_bound_example,
    unit_norm_form,
    units_for_target,
    units_needed,
    variation_norm,
    variation_norm_bound,
)
from cvxnn.function_spaces.conditional_gradient.rates import UnitsUsed
from cvxnn.theorems import HypothesisError
from cvxnn.validation import PrecisionError


def size(X):
    return float(np.max(np.abs(X))) or 1.0


def radius_for(X, y, degree):
    """A radius whose networks reach a part of the targets."""
    return 0.3 * size(y) / size(X) ** degree


def neuron(X, weight=1.0):
    return UnitNetwork(np.eye(X.shape[1])[:, :1], [weight])


def by_degree(function):
    return {f"{k}": (lambda X, y, k=k: function(X, y, k)) for k in (0, 1, 2)}


def ridge(make, X, y, k):
    fitted = make(degree=k).fit(X, y)
    return fitted.objective_, fitted.gamma_2_, fitted.predict(X)


def penalised(X, y, ratio):
    unit = Problem(X / size(X), y / size(y), beta=1.0)
    critical = beta_max(unit) * size(X) * size(y)
    return penalty_and_constraint(Problem(X, y, beta=ratio * (critical or 1.0)), max_seconds=0.01)


# By public name, each with settings that keep a call in some milliseconds.
CALLS = {
    "variation_norm": by_degree(variation_norm),
    "constrained_fit": by_degree(
        lambda X, y, k: constrained_fit(X, y, radius_for(X, y, k), k, max_rounds=20, tol=1e-6)
    ),
    "ConditionalGradient": {
        f"{step} {k}": lambda X, y, step=step, k=k: ConditionalGradient(
            radius_for(X, y, k), step, k, max_steps=4
        ).run(X, y)
        for step in ("line_search", "fixed", "fully_corrective", "away")
        for k in (1, 2)
    }
    | {
        "logistic": lambda X, y: ConditionalGradient(1 / size(X), max_steps=4).run(
            X, np.where(y > 0, 1.0, -1.0), loss="logistic"
        )
    },
    "neuron_oracle": by_degree(lambda X, y, k: neuron_oracle(X, k).maximise(y))
    | {"search": lambda X, y: neuron_oracle(X, max_seconds=0).maximise(y)}
    | {"search 2": lambda X, y: neuron_oracle(X, 2, max_seconds=0).maximise(y)},
    "ThresholdOracle": {"": lambda X, y: ThresholdOracle(X).sides(y)},
    "feature_radius": by_degree(lambda X, y, k: feature_radius(X, k)),
    "conditional_gradient_rate": by_degree(lambda X, y, k: conditional_gradient_rate(X, y, 1.0, k)),
    "units_needed": by_degree(lambda X, y, k: units_needed(X, 1.0, 0.1, k)),
    "units_for_target": {"": lambda X, y: units_for_target(X, neuron(X), 0.3 * size(X))},
    "rademacher_complexity": by_degree(lambda X, y, k: rademacher_complexity(X, k, n_signs=2)),
    "neuron_norms": by_degree(lambda X, y, k: neuron_norms(X, np.ones(X.shape[1]), [2, 3], activation=k)),
    "gamma_2": by_degree(lambda X, y, k: gamma_2(X, y, kernel=ArcCosineKernel(k))),
    "norm_inequality": {"": norm_inequality},
    "mean_neuron_norm": {"": lambda X, y: mean_neuron_norm(X, n_neurons=10)},
    "ArcCosineKernel": by_degree(lambda X, y, k: (ArcCosineKernel(k).gram(X), ArcCosineKernel(k).diag(X))),
    "ArcCosineCovariance": {"": lambda X, y: ArcCosineCovariance()(X)},
    "KernelSpaceRegressor": by_degree(lambda X, y, k: ridge(KernelSpaceRegressor, X, y, k)),
    "RandomFeatureRegressor": by_degree(
        lambda X, y, k: ridge(lambda degree: RandomFeatureRegressor(degree=degree, random_state=0), X, y, k)
    ),
    "ReLURandomFeatures": by_degree(
        lambda X, y, k: ReLURandomFeatures(5, degree=k, random_state=0).fit(X).transform(X)
    ),
    "error_decomposition": {
        "": lambda X, y: error_decomposition(
            X, y, [0], neuron(X, 0.1 * radius_for(X, y, 1)), radius_for(X, y, 1)
        )
    },
    "penalty_and_constraint": {f"{r:g}": lambda X, y, r=r: penalised(X, y, r) for r in (1.0, 0.1, 1e-12)},
    "VariationNormLearner": {
        "": lambda X, y: (
            VariationNormLearner((0.1,), max_seconds=0.05, max_rounds=0)
            .learn(TrainingSample(X, y, X, y))
            .predict(X)
        )
    },
    "KernelLearner": {"": lambda X, y: KernelLearner().learn(TrainingSample(X, y, X, y)).predict(X)},
    "UnitNetwork": by_degree(
        lambda X, y, k: UnitNetwork(np.eye(X.shape[1]), np.ones(X.shape[1]), k).predict(X)
    ),
    "unit_norm_form": {"": lambda X, y: unit_norm_form(ReLUNetwork(X.T, y))},
    "variation_norm_bound": {"": lambda X, y: variation_norm_bound(ReLUNetwork(X.T, y))},
    "log_log_slope": {
        "": lambda X, y: log_log_slope(1.0 + np.arange(len(y)), np.abs(y)[:, None] * [1.0, 2.0])
    },
}
# Functions of no data of the user's.
NO_DATA = {
    "approximate_on_circle": lambda s: approximate_on_circle(
        0.1 * s * np.cos(np.pi * np.arange(8) / 4), [s, 2 * s]
    ),
    "hardest_waves": lambda s: hardest_waves([s], n_angles=16),
    "draw_inputs": lambda s: draw_inputs(3, 2, distribution="ball", radius=s, random_state=0),
    "excess_risk_curve": lambda s: excess_risk_curve(
        AdditiveTarget.random, samples=[1, 2], dimensions=1, n_repetitions=1, noise=s, n_test=5
    ),
    "neuron_on_circle": lambda s: neuron_on_circle(8),
    "rademacher_curve": lambda s: rademacher_curve(samples=[1, 2], dimensions=1, n_repetitions=1, n_signs=1),
    "random_neurons": lambda s: random_neurons(1, 1, "sphere", 0),
    "strict_bound_example": lambda s: strict_bound_example(),
}
# gamma_2 is infinite where no function of F_2 takes the values, and of one repetition there is no standard error.
INFINITE = frozenset({"gamma_2"})
GAMMA_2_ITSELF = frozenset({"result"})


def test_every_public_function_is_among_them():
    room = cvxnn.function_spaces
    functions = {name for name in room.__all__ if inspect.isfunction(getattr(room, name))}
    assert functions <= CALLS.keys() | NO_DATA.keys()


# What long functions are tried on by default; on the rest of the data they are `slow`.
TYPICAL = ("plain", "zero row", "all rows zero", "repeated to 1e-8", "one sample", "X and y times 1e-150")
LONG = {
    "ConditionalGradient",
    "VariationNormLearner",
    "error_decomposition",
    "neuron_norms",
    "penalty_and_constraint",
    "units_for_target",
    "variation_norm",
}


@pytest.mark.parametrize(
    "name", [*CALLS, *(pytest.param(name, marks=pytest.mark.slow) for name in sorted(LONG))]
)
def test_right_or_refused(name, request, awkward_samples, right_or_refused):
    infinite = GAMMA_2_ITSELF if name == "gamma_2" else INFINITE
    answered: set[str] = set()
    everything = name not in LONG or request.node.get_closest_marker("slow") is not None
    for case, (X, y) in awkward_samples.items():
        if not (everything or case in TYPICAL):
            continue
        for kind, call in CALLS[name].items():
            try:
                result = right_or_refused(lambda call=call, X=X, y=y: call(X, y), infinite)
            except Exception as error:
                raise AssertionError(f"{name} ({kind}) on {case}") from error
            answered |= {case} if result is not None else set()
    assert "plain" in answered


# Of values as the scales s of X and t of y say: what is computed, over its unit.
VALUES = {
    "variation_norm": lambda X, y, k, s, t: variation_norm(X, y, k).value * s**k / t,
    "lower bound": lambda X, y, k, s, t: variation_norm(X, y, k).lower_bound * s**k / t,
    "constrained_fit": lambda X, y, k, s, t: constrained_fit(X, y, 0.3 * t / s**k, k).objective / t**2,
    "multiplier": lambda X, y, k, s, t: constrained_fit(X, y, 0.3 * t / s**k, k).multiplier / s**k / t,
    "ConditionalGradient": lambda X, y, k, s, t: (
        ConditionalGradient(0.3 * t / s**k, activation=k, max_steps=3).run(X, y).objective / t**2
    ),
    "neuron_oracle": lambda X, y, k, s, t: neuron_oracle(X, k).maximise(y).upper / s**k / t,
    "search": lambda X, y, k, s, t: neuron_oracle(X, k, max_seconds=0).maximise(y).value / s**k / t,
    "feature_radius": lambda X, y, k, s, t: feature_radius(X, k) / s**k,
    "units_needed": lambda X, y, k, s, t: units_needed(X, t / s**k, 0.1 * t, k),
    "gamma_2": lambda X, y, k, s, t: gamma_2(X, y, kernel=ArcCosineKernel(k)) * s**k / t,
    "neuron_norms": lambda X, y, k, s, t: neuron_norms(X, [1.0, 1.0], [2, 3], activation=k).gamma_2[1],
    "ridge": lambda X, y, k, s, t: (
        KernelSpaceRegressor(s ** (2 * k), degree=k, bias=False).fit(X, y).objective_ / t**2
    ),
    "random features": lambda X, y, k, s, t: (
        RandomFeatureRegressor(s ** (2 * k), degree=k, bias=False, random_state=0).fit(X, y).objective_ / t**2
    ),
    "error_decomposition": lambda X, y, k, s, t: (
        error_decomposition(X, y, [0, 1], neuron(X, 0.1 * t / s), 0.3 * t / s).estimation_upper / t**2
    ),
    "forms": lambda X, y, k, s, t: (
        penalty_and_constraint(Problem(X, y, beta=0.1 * s * t), max_seconds=5.0).losses.predicted / t**2
    ),
    "learner": lambda X, y, k, s, t: (
        VariationNormLearner((0.1,), tol=1e-9).learn(TrainingSample(X, y, X, y)).predict(X)[0] / t
    ),
}
RELU_ONLY = ("error_decomposition", "forms", "learner")
# Powers of two, so that data are the same numbers in other units; as large and small as squares of float64 allow.
POWERS = ((-490, 0), (490, 0), (0, -490), (0, 490), (-240, -240), (240, 240))


@pytest.mark.parametrize("name", VALUES)
def test_values_follow_the_units(name, awkward_samples):
    """Networks are homogeneous: ``(v^T s x)_+^k = s^k (v^T x)_+^k``, and the squared loss is in y and f together."""
    X, y = awkward_samples["plain"]
    for k in (1,) if name in RELU_ONLY else (0, 1, 2):
        expected = VALUES[name](X, y, k, 1.0, 1.0)
        assert expected > 0 or name == "learner"
        for a, b in POWERS:
            if max(abs(2 * k * a), abs(2 * (b - k * a)), abs(b + k * a)) > 1000:
                continue  # what the call itself is given or returns is beyond float64
            s, t = 2.0**a, 2.0**b
            # to rounding where units are powers of two; training and searches stop within their tolerances
            assert VALUES[name](s * X, t * y, k, s, t) == pytest.approx(expected, rel=1e-6), (k, a, b)


def test_rows_that_are_zero_or_one_are_named(awkward_samples):
    for k in (1, 2):
        with pytest.raises(HypothesisError, match=r"row 4 of X .* is zero, .* its value is 3"):
            variation_norm(*awkward_samples["zero row"], k)
        with pytest.raises(HypothesisError, match="rows 0 and 4 of X"):
            variation_norm(*awkward_samples["repeated rows, other targets"], k)
        with pytest.raises(PrecisionError, match=r"two of its rows have directions .* apart"):
            variation_norm(*awkward_samples["repeated to 1e-8, other targets"], k)


@pytest.mark.parametrize("degree", [0, 1, 2])
def test_rows_that_add_nothing_leave_the_norm(awkward_samples, degree):
    """Repeated rows, to rounding or to 1e-8, and a zero row of target 0 (but for k = 0) constrain nothing more."""
    expected = variation_norm(*awkward_samples["plain"], degree)
    names = ["repeated rows", "repeated to 1e-8"] + (["zero row, target 0"] if degree else [])
    for name in names:
        X, y = awkward_samples[name]
        norm = variation_norm(X, y, degree)
        assert norm.value == pytest.approx(
            expected.value, rel=1e-6
        )  # as exact as rows are the same, 1e-8, and tol
        # the bound holds for the rows as given: it is proved again from its dual variable
        assert norm.lower_bound == pytest.approx(float(norm.lam @ y), rel=1e-9)
        assert norm.lower_bound == pytest.approx(expected.value, rel=1e-5)
        angles = np.linspace(0.0, 2 * np.pi, 2001)
        features = PositivePart(degree).value(X @ np.stack([np.cos(angles), np.sin(angles)]))
        assert np.max(np.abs(norm.lam @ features)) <= 1.0 + 1e-9
        assert norm.misfit <= 1e-7 * np.max(np.abs(y))


def test_the_judge_rejects_what_is_wrong(right_or_refused):
    """Planted faults: NaN, an infinite field, a solver's words, and an error made elsewhere."""
    assert right_or_refused(lambda: (1.0, [2.0])) == (1.0, [2.0])
    with pytest.raises(AssertionError, match="not a finite number"):
        right_or_refused(lambda: (1.0, np.array([np.nan])))
    with pytest.raises(AssertionError, match="not a finite number"):
        right_or_refused(lambda: UnitsUsed(None, np.inf, 3))
    with pytest.raises(AssertionError, match="comes from"):
        right_or_refused(lambda: np.linalg.inv(np.zeros((2, 3))))

    def solver():
        raise ValueError("HiGHS Status 8: model is infeasible")

    with pytest.raises(AssertionError):
        right_or_refused(solver)
    with pytest.raises(RuntimeWarning):
        right_or_refused(lambda: np.array([1e300]) * 1e300)


@pytest.mark.parametrize("name", NO_DATA)
def test_extreme_numbers_are_right_or_refused(name, right_or_refused):
    for s in (1e-150, 1.0, 1e150):
        right_or_refused(lambda s=s: NO_DATA[name](s), frozenset({"standard_error"}))
    assert right_or_refused(lambda: NO_DATA[name](1.0)) is not None
