"""Every public function with ``max_seconds`` takes a number or None, found by inspection, and no other things."""

import functools
import inspect

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
    solvers,
    tables,
    training,
)
from cvxnn.atoms import Atoms, basic_atoms
from cvxnn.deadlines import Deadline, as_limit
from cvxnn.dynamics import initialisation
from cvxnn.testing import check_takes_limits
from cvxnn.testing.arguments import check_on_one_blas_thread, public_functions

X = np.array([[1.0, 0.5], [-0.5, 1.0], [0.3, -1.0], [-1.0, -0.2]])
Y = np.array([1.0, -1.0, 2.0, 0.5])
LABELS = np.array([0, 1, 0, 1])
PROBLEM = Problem(X, Y, beta=0.5)
PROGRAM = cvxnn.ReLUProgram(PROBLEM, cvxnn.enumerate_patterns(X))
NETWORK = ReLUNetwork([[1.0, 0.0], [0.0, 1.0]], [0.5, -0.5])
SMALL = ReLUNetwork([[3e-5, 3e-5], [4e-5, 4e-5]], [5e-5, -5e-5])
SPACE = certificates.RowSpace(X)
STEPS = {"n_steps": 2, "step_size": 0.01}


def fitted(estimator, y=Y):
    """Return how an estimator is fitted within a limit."""
    return lambda limit: clone(estimator).set_params(max_seconds=limit).fit(X, y)


def started(solver):
    return lambda limit: solver.start(PROGRAM, np.zeros((2, PROGRAM.n_blocks)), limit)


def neuron_oracle(kind):
    return lambda limit: kind(X, max_seconds=limit).maximise(Y)


@functools.cache
def optimal():
    return landscape.optimal_set(PROBLEM)


# What each does within a limit, at its smallest; a function that is not here fails the law.
CALLS = {
    "cvxnn.GatedReLUClassifier": fitted(cvxnn.GatedReLUClassifier(n_gates=2), LABELS),
    "cvxnn.GatedReLURegressor": fitted(cvxnn.GatedReLURegressor(n_gates=2)),
    "cvxnn.ReLUClassifier": fitted(cvxnn.ReLUClassifier(tol=0.1), LABELS),
    "cvxnn.ReLUClassifierCV": fitted(cvxnn.ReLUClassifierCV(tol=0.1, cv=2, beta_ratios=[0.5]), LABELS),
    "cvxnn.ReLURegressor": fitted(cvxnn.ReLURegressor(tol=0.1)),
    "cvxnn.ReLURegressorCV": fitted(cvxnn.ReLURegressorCV(tol=0.1, cv=2, beta_ratios=[0.5])),
    "cvxnn.atoms.basic_atoms": lambda limit: basic_atoms(
        PROBLEM, Atoms.of_network(PROBLEM, NETWORK), max_seconds=limit
    ),
    "cvxnn.beta_max": lambda limit: cvxnn.beta_max(PROBLEM, max_seconds=limit),
    "cvxnn.certificates.estimate_beta_max": lambda limit: certificates.estimate_beta_max(
        PROBLEM, max_seconds=limit
    ),
    "cvxnn.certificates.OutputSphereOracle": lambda limit: certificates.OutputSphereOracle(
        certificates.SweepOracle(X), X, max_seconds=limit
    ).maximise(np.stack([Y, -Y], axis=1)),
    "cvxnn.certificates.certify_until_interrupt": lambda limit: certificates.certify_until_interrupt(
        PROBLEM, NETWORK, max_seconds=limit
    ),
    "cvxnn.certificates.exact_oracle": lambda limit: certificates.exact_oracle(
        X, n_outputs=2, output_norm="l1", max_seconds=limit
    ),
    "cvxnn.certificates.improving_bounds": lambda limit: list(
        certificates.improving_bounds(PROBLEM, NETWORK, method="norms", max_seconds=limit)
    ),
    "cvxnn.certificates.joint_dual_sdp": lambda limit: certificates.joint_dual_sdp(
        PROBLEM, SPACE, max_seconds=limit
    ),
    "cvxnn.certificates.network_dual": lambda limit: certificates.network_dual(
        PROBLEM, NETWORK, max_seconds=limit
    ),
    "cvxnn.certificates.relaxed_bound": lambda limit: certificates.relaxed_bound(
        PROBLEM, Y, max_seconds=limit
    ),
    "cvxnn.certificates.search": lambda limit: certificates.search(X, Y, max_seconds=limit),
    "cvxnn.certify": lambda limit: cvxnn.certify(PROBLEM, NETWORK, max_seconds=limit),
    "cvxnn.dynamics.descent_order": lambda limit: dynamics.descent_order(
        PROBLEM, NETWORK, t_end=0.1, n_steps=(10, 20), max_seconds=limit
    ),
    "cvxnn.dynamics.early_alignment": lambda limit: dynamics.early_alignment(
        Problem(X, Y, beta=0.0), SMALL, sign=1, max_seconds=limit
    ),
    "cvxnn.dynamics.gradient_flow": lambda limit: dynamics.gradient_flow(
        PROBLEM, NETWORK, t_end=0.1, max_seconds=limit
    ),
    "cvxnn.dynamics.logistic_flow": lambda limit: dynamics.logistic_flow(
        X[:2], [1.0, -1.0], n_neurons=2, max_clock=1.0, max_seconds=limit
    ),
    "cvxnn.dynamics.particle_flow": lambda limit: dynamics.particle_flow(
        PROBLEM, NETWORK, **STEPS, max_seconds=limit
    ),
    "cvxnn.dynamics.particle_optimality": lambda limit: dynamics.particle_optimality(
        PROBLEM, NETWORK, max_seconds=limit
    ),
    "cvxnn.dynamics.projected_descent": lambda limit: dynamics.projected_descent(
        PROGRAM, n_steps=2, max_seconds=limit
    ),
    "cvxnn.dynamics.saddle_to_saddle": lambda limit: dynamics.saddle_to_saddle(
        Problem(np.eye(2), [2.0, -1.0], beta=0.0), SMALL, resolution=0.1, max_seconds=limit
    ),
    "cvxnn.dynamics.side_by_side": lambda limit: dynamics.side_by_side(
        PROBLEM, NETWORK.balance(), **STEPS, max_seconds=limit
    ),
    "cvxnn.dynamics.simulate": lambda limit: dynamics.simulate(
        PROBLEM, initialisation.he(2, 2), **STEPS, max_seconds=limit
    ),
    "cvxnn.function_spaces.ConditionalGradient": lambda limit: function_spaces.ConditionalGradient(
        1.0, max_steps=2, max_seconds=limit
    ).run(X, Y),
    "cvxnn.function_spaces.QuadraticOracle": neuron_oracle(function_spaces.QuadraticOracle),
    "cvxnn.function_spaces.ReLUOracle": neuron_oracle(function_spaces.ReLUOracle),
    "cvxnn.function_spaces.ThresholdOracle": neuron_oracle(function_spaces.ThresholdOracle),
    "cvxnn.function_spaces.VariationNormLearner": lambda limit: function_spaces.VariationNormLearner(
        ratios=(0.5,), max_seconds=limit
    ).learn(function_spaces.TrainingSample(X, Y, X, Y)),
    "cvxnn.function_spaces.approximate_on_circle": lambda limit: function_spaces.approximate_on_circle(
        np.zeros(4), [1.0], max_seconds=limit
    ),
    "cvxnn.function_spaces.constrained_fit": lambda limit: function_spaces.constrained_fit(
        X, Y, 1.0, tol=0.1, max_seconds=limit
    ),
    "cvxnn.function_spaces.error_decomposition": lambda limit: function_spaces.error_decomposition(
        X, Y, [0, 1], ReLUNetwork([[0.5], [0.5]], [0.5]), 1.0, max_seconds=limit
    ),
    "cvxnn.function_spaces.hardest_waves": lambda limit: function_spaces.hardest_waves(
        [4.0], n_angles=16, max_seconds=limit
    ),
    "cvxnn.function_spaces.neuron_oracle": lambda limit: function_spaces.neuron_oracle(X, max_seconds=limit),
    "cvxnn.function_spaces.neuron_norms": lambda limit: function_spaces.neuron_norms(
        X, [1.0, 0.0], [3, 4], max_seconds=limit
    ),
    "cvxnn.function_spaces.norm_inequality": lambda limit: function_spaces.norm_inequality(
        X, Y, max_seconds=limit
    ),
    "cvxnn.function_spaces.penalty_and_constraint": lambda limit: function_spaces.penalty_and_constraint(
        PROBLEM, max_seconds=limit
    ),
    "cvxnn.function_spaces.units_for_target": lambda limit: function_spaces.units_for_target(
        X, function_spaces.UnitNetwork([[1.0], [0.0]], [1.0]), 0.5, max_seconds=limit
    ),
    "cvxnn.function_spaces.variation_norm": lambda limit: function_spaces.variation_norm(
        X, Y, tol=0.1, max_seconds=limit
    ),
    "cvxnn.landscape.OptimalSet.smallest_support": lambda limit: optimal().smallest_support(
        max_seconds=limit
    ),
    "cvxnn.landscape.OptimalSet.sparsest": lambda limit: optimal().sparsest(max_seconds=limit),
    "cvxnn.landscape.optimal_set": lambda limit: landscape.optimal_set(PROBLEM, max_seconds=limit),
    "cvxnn.landscape.solution_path": lambda limit: landscape.solution_path(
        PROBLEM, n_betas=2, ratio=0.8, tol=0.5, max_seconds=limit
    ),
    "cvxnn.landscape.solve_dual": lambda limit: landscape.solve_dual(PROBLEM, max_seconds=limit),
    "cvxnn.landscape.smallest": lambda limit: landscape.smallest(PROBLEM, max_seconds=limit),
    "cvxnn.margin.max_margin": lambda limit: margin.max_margin(X, np.sign(Y), max_seconds=limit),
    "cvxnn.relu_path": lambda limit: estimators.relu_path(X, Y, betas=[0.5], tol=0.1, max_seconds=limit),
    "cvxnn.solve": lambda limit: cvxnn.solve(PROGRAM, max_seconds=limit),
    "cvxnn.solvers.InteriorPoint.start": started(solvers.InteriorPoint()),
    "cvxnn.solvers.ProximalGradient.start": started(solvers.ProximalGradient()),
    "cvxnn.solvers.ProximalNewton.start": started(solvers.ProximalNewton()),
    "cvxnn.solvers.SemismoothNewton.start": started(solvers.SemismoothNewton()),
    "cvxnn.solvers.WorkingSet.start": started(solvers.WorkingSet()),
    "cvxnn.solvers.solve_path": lambda limit: solvers.solve_path(PROGRAM, [0.5], max_seconds=limit),
    "cvxnn.tables.fit_table": lambda limit: tables.fit_table(
        pd.DataFrame({"x": X[:, 0], "y": Y}), "y", test_size=0.0, max_seconds=limit
    ),
    "cvxnn.train": lambda limit: cvxnn.train(PROBLEM, tol=0.1, max_seconds=limit),
    "cvxnn.training.convexify": lambda limit: training.convexify(
        PROBLEM, Atoms.of_network(PROBLEM, NETWORK), tol=0.1, max_seconds=limit
    ),
    "cvxnn.training.descend": lambda limit: training.descend(PROBLEM, NETWORK, max_seconds=limit),
}
# Of an abstract class, whose kinds are all here.
ABSTRACT = {"cvxnn.solvers.Solver.start"}


def test_every_function_has_its_call():
    assert set(public_functions("max_seconds")) - ABSTRACT == set(CALLS)


# On a busy machine half a second cuts scores of a cross-validation short, which warns.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", CALLS)
def test_seconds_and_none_are_taken(name):
    check_takes_limits(CALLS[name])


# Steps of `solve`, which keeps BLAS on one thread for them.
INSIDE = {name for name in CALLS if name.startswith("cvxnn.solvers.") and name.endswith(".start")}


@pytest.mark.parametrize("name", sorted(set(CALLS) - INSIDE))
def test_what_may_take_long_keeps_blas_on_one_thread(name):
    check_on_one_blas_thread(lambda: CALLS[name](30))


@pytest.mark.parametrize(
    "fault",
    [
        lambda: inspect.unwrap(cvxnn.train)(PROBLEM, tol=0.1),  # leaves it to what it calls
        lambda: inspect.unwrap(landscape.optimal_set)(PROBLEM),
        lambda: PROBLEM.objective(NETWORK),  # a walk keeps its own, behind which other products are not
    ],
)
def test_what_leaves_blas_alone_is_found(fault):
    with pytest.raises(AssertionError, match="BLAS must be kept on one thread"):
        check_on_one_blas_thread(fault)


@pytest.mark.parametrize(
    "fault",
    [
        lambda max_seconds: max_seconds + 1.0,
        lambda max_seconds: None,
        lambda max_seconds: max_seconds is None or as_limit(abs(max_seconds)),
        lambda max_seconds: max_seconds is None or Deadline(float(max_seconds)),
    ],
)
def test_faulty_functions_are_found(fault):
    with pytest.raises(AssertionError, match="max_seconds"):
        check_takes_limits(fault)
    check_takes_limits(as_limit)
