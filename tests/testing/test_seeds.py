"""Every public function with a ``random_state`` takes seeds of all kinds, found by inspection, and no other things."""

import functools

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import cvxnn
from cvxnn import (
    Problem,
    ReLUNetwork,
    certificates,
    dynamics,
    estimators,
    function_spaces,
    landscape,
    margin,
    plots,
    tables,
)
from cvxnn.dynamics import initialisation
from cvxnn.seeds import as_generator
from cvxnn.testing import check_takes_seeds
from cvxnn.testing.arguments import public_functions

X = np.array([[1.0, 0.5], [-0.5, 1.0], [0.3, -1.0], [-1.0, -0.2]])
Y = np.array([1.0, -1.0, 2.0, 0.5])
LABELS = np.array([0, 1, 0, 1])
PROBLEM = Problem(X, Y, beta=0.5)
NETWORK = ReLUNetwork([[1.0, 0.0], [0.0, 1.0]], [0.5, -0.5])
TEACHER = dynamics.random_teachers(1, 1, 1.0, n_teachers=2)
STEPS = {"n_steps": 2, "step_size": 0.01}


def fitted(estimator, y=Y):
    """Return how an estimator is fitted with a seed."""
    return lambda seed: clone(estimator).set_params(random_state=seed).fit(X, y)


def starts(make, *args):
    return lambda seed: make(2, 2, *args, random_state=seed)


def target(kind):
    return lambda seed: kind.random(3, random_state=seed)


def neuron_oracle(kind):
    return lambda seed: kind(X, random_state=seed).maximise(Y)


@functools.cache
def optimal():
    return landscape.optimal_set(PROBLEM)


SQUARE = margin.PolarSet(np.array([[1.0, 0.0], [0.0, 1.0]]))

# What each does with a seed, at its smallest; a function that is not here fails the law.
CALLS = {
    "cvxnn.GatedReLUClassifier": fitted(cvxnn.GatedReLUClassifier(n_gates=2), LABELS),
    "cvxnn.GatedReLURegressor": fitted(cvxnn.GatedReLURegressor(n_gates=2)),
    "cvxnn.ReLUClassifier": fitted(cvxnn.ReLUClassifier(tol=0.1), LABELS),
    "cvxnn.ReLUClassifierCV": fitted(cvxnn.ReLUClassifierCV(tol=0.1, cv=2, beta_ratios=[0.5]), LABELS),
    "cvxnn.ReLURegressor": fitted(cvxnn.ReLURegressor(tol=0.1)),
    "cvxnn.ReLURegressorCV": fitted(cvxnn.ReLURegressorCV(tol=0.1, cv=2, beta_ratios=[0.5])),
    "cvxnn.beta_max": lambda seed: cvxnn.beta_max(PROBLEM, random_state=seed),
    "cvxnn.certificates.estimate_beta_max": lambda seed: certificates.estimate_beta_max(
        PROBLEM, random_state=seed
    ),
    "cvxnn.certificates.search": lambda seed: certificates.search(X, Y, random_state=seed),
    "cvxnn.certificates.certify_until_interrupt": lambda seed: certificates.certify_until_interrupt(
        PROBLEM, NETWORK, random_state=seed
    ),
    "cvxnn.certify": lambda seed: cvxnn.certify(PROBLEM, NETWORK, random_state=seed),
    "cvxnn.dynamics.Teacher.problem": lambda seed: TEACHER.problem(3, 0.1, random_state=seed),
    "cvxnn.dynamics.Teacher.source": lambda seed: TEACHER.source(3, n_test=3, random_state=seed),
    "cvxnn.dynamics.initialisation.balanced": starts(initialisation.balanced, 1.0),
    "cvxnn.dynamics.initialisation.he": starts(initialisation.he),
    "cvxnn.dynamics.initialisation.lazy": starts(initialisation.lazy, 1.0),
    "cvxnn.dynamics.initialisation.mean_field": starts(initialisation.mean_field),
    "cvxnn.dynamics.initialisation.sphere": starts(initialisation.sphere, 1.0),
    "cvxnn.dynamics.initialisation.width_scaled": starts(initialisation.width_scaled),
    "cvxnn.dynamics.initialisation.zero_output": starts(initialisation.zero_output),
    "cvxnn.dynamics.logistic_flow": lambda seed: dynamics.logistic_flow(
        X[:2], [1.0, -1.0], n_neurons=2, max_clock=1.0, random_state=seed
    ),
    "cvxnn.dynamics.particle_flow": lambda seed: dynamics.particle_flow(
        TEACHER.source(2, n_test=2), TEACHER.weights, **STEPS, random_state=seed
    ),
    "cvxnn.dynamics.radius_study": lambda seed: dynamics.radius_study(
        TEACHER, [1.0], 2, **STEPS, batch_size=2, n_test=2, random_state=seed
    ),
    "cvxnn.dynamics.random_teachers": lambda seed: dynamics.random_teachers(2, 2, 1.0, random_state=seed),
    "cvxnn.dynamics.sgd_limit": lambda seed: dynamics.sgd_limit(
        PROBLEM, initialisation.he(2, 2), **STEPS, random_state=seed
    ),
    "cvxnn.dynamics.simulate": lambda seed: dynamics.simulate(
        dynamics.MiniBatches(PROBLEM, 2), initialisation.he(2, 2), **STEPS, random_state=seed
    ),
    "cvxnn.dynamics.width_study": lambda seed: dynamics.width_study(
        TEACHER, [2], radius=1.0, **STEPS, batch_size=2, n_test=2, random_state=seed
    ),
    "cvxnn.function_spaces.AdditiveTarget.random": target(function_spaces.AdditiveTarget),
    "cvxnn.function_spaces.AffineTarget.random": target(function_spaces.AffineTarget),
    "cvxnn.function_spaces.ProjectionPursuitTarget.random": target(function_spaces.ProjectionPursuitTarget),
    "cvxnn.function_spaces.SubspaceTarget.random": target(function_spaces.SubspaceTarget),
    "cvxnn.function_spaces.ConditionalGradient": lambda seed: function_spaces.ConditionalGradient(
        1.0, max_steps=2, random_state=seed
    ).run(X, Y),
    "cvxnn.function_spaces.QuadraticOracle": neuron_oracle(function_spaces.QuadraticOracle),
    "cvxnn.function_spaces.ReLUOracle": neuron_oracle(function_spaces.ReLUOracle),
    "cvxnn.function_spaces.ThresholdOracle": neuron_oracle(function_spaces.ThresholdOracle),
    "cvxnn.function_spaces.RandomFeatureRegressor": fitted(function_spaces.RandomFeatureRegressor(3)),
    "cvxnn.function_spaces.ReLURandomFeatures": fitted(function_spaces.ReLURandomFeatures(3)),
    "cvxnn.function_spaces.VariationNormLearner.learn": lambda seed: function_spaces.VariationNormLearner(
        ratios=(0.5,)
    ).learn(function_spaces.TrainingSample(X, Y, X, Y), random_state=seed),
    "cvxnn.function_spaces.constrained_fit": lambda seed: function_spaces.constrained_fit(
        X, Y, 1.0, tol=0.1, random_state=seed
    ),
    "cvxnn.function_spaces.draw_inputs": lambda seed: function_spaces.draw_inputs(2, 2, random_state=seed),
    "cvxnn.function_spaces.excess_risk_curve": lambda seed: function_spaces.excess_risk_curve(
        function_spaces.AffineTarget.random,
        samples=[4],
        dimensions=1,
        n_repetitions=1,
        n_test=4,
        f1=function_spaces.VariationNormLearner(ratios=(0.5,)),
        random_state=seed,
    ),
    "cvxnn.function_spaces.mean_neuron_norm": lambda seed: function_spaces.mean_neuron_norm(
        X, n_neurons=2, random_state=seed
    ),
    "cvxnn.function_spaces.neuron_oracle": lambda seed: function_spaces.neuron_oracle(X, random_state=seed),
    "cvxnn.function_spaces.rademacher_complexity": lambda seed: function_spaces.rademacher_complexity(
        X, n_signs=2, random_state=seed
    ),
    "cvxnn.function_spaces.rademacher_curve": lambda seed: function_spaces.rademacher_curve(
        samples=[3], dimensions=1, n_repetitions=1, n_signs=2, random_state=seed
    ),
    "cvxnn.function_spaces.random_neurons": lambda seed: function_spaces.random_neurons(
        2, 2, "sphere", random_state=seed
    ),
    "cvxnn.function_spaces.units_for_target": lambda seed: function_spaces.units_for_target(
        X, function_spaces.UnitNetwork(np.eye(2), [1.0, 1.0]), 0.5, random_state=seed
    ),
    "cvxnn.function_spaces.variation_norm": lambda seed: function_spaces.variation_norm(
        X, Y, tol=0.1, random_state=seed
    ),
    "cvxnn.landscape.OptimalSet.best": lambda seed: optimal().best(
        lambda network: network.n_neurons, n_samples=2, random_state=seed
    ),
    "cvxnn.landscape.OptimalSet.sample": lambda seed: optimal().sample(seed),
    "cvxnn.landscape.optimal_set": lambda seed: landscape.optimal_set(PROBLEM, random_state=seed),
    "cvxnn.landscape.value_by_neurons": lambda seed: landscape.value_by_neurons(
        Problem([[1.0], [-1.0]], [2.0, 2.0], beta=1.0), 1, n_restarts=1, max_programs=0, random_state=seed
    ),
    "cvxnn.landscape.zero_neuron": lambda seed: landscape.zero_neuron(
        Problem([[1.0]], [1.0], beta=10.0), ReLUNetwork([[0.0]], [0.0]), random_state=seed
    ),
    "cvxnn.margin.PolarSet.sample_boundary": lambda seed: SQUARE.sample_boundary(2, random_state=seed),
    "cvxnn.margin.max_margin": lambda seed: margin.max_margin(X, np.sign(Y), random_state=seed),
    "cvxnn.plots.kernel_profiles": lambda seed: plots.kernel_profiles(2, n_angles=3, random_state=seed),
    "cvxnn.relu_path": lambda seed: estimators.relu_path(X, Y, betas=[0.5], tol=0.1, random_state=seed),
    "cvxnn.sample_patterns": lambda seed: cvxnn.sample_patterns(X, 2, random_state=seed),
    "cvxnn.tables.fit_table": lambda seed: tables.fit_table(
        pd.DataFrame({"x": X[:, 0], "y": Y}), "y", test_size=0.0, random_state=seed
    ),
    "cvxnn.train": lambda seed: cvxnn.train(PROBLEM, tol=0.1, random_state=seed),
}


def test_every_function_has_its_call():
    assert set(public_functions("random_state")) == set(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_seeds_of_all_kinds_are_taken(name):
    check_takes_seeds(CALLS[name])


def only_integers(random_state):
    np.random.SeedSequence(random_state if isinstance(random_state, int) else -1)


@pytest.mark.parametrize(
    "fault",
    [
        np.random.default_rng,  # no RandomState before NumPy 2.2, and a TypeError for text
        np.random.RandomState,
        only_integers,
        lambda random_state: None,
        lambda random_state: as_generator(random_state if random_state != "seed" else 0),
    ],
)
def test_faulty_functions_are_found(fault):
    with pytest.raises(AssertionError, match="random_state"):
        check_takes_seeds(fault)
    check_takes_seeds(as_generator)


def test_a_function_without_the_argument_is_not_among_them():
    assert "cvxnn.solve" not in public_functions("random_state")
    assert "cvxnn.solve" in public_functions("max_seconds")
