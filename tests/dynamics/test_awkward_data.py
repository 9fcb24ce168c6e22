"""Every public function of the room on degenerate data and at extreme scales: right, or refused in the user's words."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import cvxnn.dynamics
from cvxnn import Problem, ReLUNetwork, enumerate_patterns
from cvxnn.dynamics import (
    Adam,
    MiniBatches,
    SphereMeasure,
    Weights,
    aligned_share,
    alignment_times,
    block_velocities,
    convex_comparison,
    critical_directions,
    descent_order,
    early_alignment,
    early_path,
    gradient_flow,
    infinite_width_kernel,
    initialisation,
    largest_cosines,
    lazy_scaling,
    lazy_training,
    linearise,
    logistic_flow,
    measure_distance,
    meeting,
    neuron_movement,
    output_training,
    particle_flow,
    particle_optimality,
    particles_of,
    predicted_steps,
    projected_descent,
    radius_study,
    random_teachers,
    ridge_output,
    saddle_to_saddle,
    separation,
    separation_time,
    sgd_limit,
    side_by_side,
    simulate,
    tangent_spectrum,
    training_limits,
    width_study,
)
from cvxnn.programs import ReLUProgram


def size(X):
    return float(np.max(np.abs(X))) or 1.0


def problem(X, y, ratio=0.1, **settings):
    return Problem(X, y, beta=ratio * size(X) * size(y), **settings)


def plain(X, y, **settings):
    return Problem(X, y, beta=0.0, **settings)


def labels(y):
    return np.where(y > 0, 1.0, -1.0)


def batch(X, m=3):
    return initialisation.he(X.shape[1], m, random_state=0)


def network(X, scale=0.5):
    return initialisation.balanced(X.shape[1], 3, scale, random_state=0).network(0)


def trajectory(X, y):
    step = 0.05 / max(float(np.linalg.norm(X)) ** 2, 1.0)
    return simulate(
        problem(X, y), batch(X), n_steps=10, step_size=step, record=["objective", "weights"], n_records=3
    )


def cosines(y):
    return np.clip(np.abs(y[:2]).repeat(4).reshape(-1, 1, 4), 0.0, 1.0)


def program(X, y):
    return ReLUProgram(problem(X, y), enumerate_patterns(X))


CALLS = {
    "simulate": {
        "": lambda X, y: simulate(problem(X, y), batch(X), n_steps=5, step_size=1e-2),
        "Adam": lambda X, y: simulate(problem(X, y), batch(X), n_steps=5, step_size=1e-2, method=Adam()),
        "batches": lambda X, y: simulate(MiniBatches(plain(X, y), 1), batch(X), n_steps=5, step_size=1e-2),
    },
    "gradient_flow": {
        f"{ratio:g}": lambda X, y, ratio=ratio: gradient_flow(
            problem(X, y, ratio), batch(X), t_end=0.5, max_seconds=0.05
        )
        for ratio in (0.0, 0.1, 1e-12)
    },
    "particle_flow": {
        "": lambda X, y: particle_flow(problem(X, y), particles_of(batch(X)), n_steps=5, step_size=1e-2)
    },
    "descent_order": {
        "": lambda X, y: descent_order(
            plain(X / size(X), y / size(y)), batch(X), t_end=0.05, n_steps=(20, 40), max_seconds=0.2
        )
    },
    "logistic_flow": {
        "": lambda X, y: logistic_flow(X, labels(y), n_neurons=3, loss_exponent=2, max_seconds=0.05)
    },
    "early_path": {"": lambda X, y: early_path(X, y, np.ones(X.shape[1]), 1.0)},
    "early_alignment": {"": lambda X, y: early_alignment(plain(X, y), network(X, 1e-6), sign=1)},
    "critical_directions": {"": critical_directions},
    "saddle_to_saddle": {"": lambda X, y: saddle_to_saddle(plain(X, y), network(X, 1e-4))},
    "predicted_steps": {"": lambda X, y: predicted_steps(plain(X, y), network(X, 1e-4))},
    "lazy_training": {"": lambda X, y: lazy_training(plain(X, y), network(X), n_steps=10, n_records=3)},
    "lazy_scaling": {"": lambda X, y: lazy_scaling(plain(X, y), network(X), [1.0, 2.0, 4.0], n_steps=5)},
    "tangent_spectrum": {"": lambda X, y: tangent_spectrum(plain(X, y), network(X))},
    "linearise": {
        "": lambda X, y: (linearise(network(X)).tangent_kernel(X), linearise(network(X)).predict(X)),
        "flow": lambda X, y: linearise(network(X)).flow(X, y, [0.0, 1.0]),
    },
    "infinite_width_kernel": {"": lambda X, y: infinite_width_kernel(X)},
    "output_training": {"": lambda X, y: output_training(problem(X, y), network(X), n_steps=10)},
    "ridge_output": {
        f"{ratio:g}": lambda X, y, ratio=ratio: ridge_output(problem(X, y, ratio), network(X))
        for ratio in (0.0, 0.1, 1e-12)
    },
    "training_limits": {"": lambda X, y: training_limits(problem(X, y), network(X), X, n_steps=10)},
    "sgd_limit": {"": lambda X, y: sgd_limit(problem(X, y), batch(X), step_size=1e-2, n_steps=20)},
    "particle_optimality": {
        "": lambda X, y: particle_optimality(problem(X, y), network(X), max_seconds=0.05)
    },
    "block_velocities": {"": lambda X, y: block_velocities(problem(X, y), network(X))},
    "side_by_side": {
        "": lambda X, y: side_by_side(problem(X, y), network(X), n_steps=3, step_size=1e-2, n_records=2)
    },
    "projected_descent": {
        "": lambda X, y: projected_descent(program(X, y), n_steps=3, n_records=2),
        "step": lambda X, y: projected_descent(program(X, y), n_steps=3, step_size=1e-2, n_records=2),
    },
    "convex_comparison": {"": lambda X, y: convex_comparison(problem(X, y), trajectory(X, y))},
    "meeting": {"": lambda X, y: meeting(problem(X, y), trajectory(X, y))},
    "separation": {"": lambda X, y: separation(plain(X, labels(y), loss="logistic"), Weights.of(network(X)))},
    "separation_time": {"": lambda X, y: separation_time(np.arange(len(y)), np.abs(y))},
    "measure_distance": {
        "": lambda X, y: measure_distance(
            SphereMeasure.of(ReLUNetwork(X.T, y)), SphereMeasure.of(ReLUNetwork(-X.T, y))
        )
    },
    "neuron_movement": {"": lambda X, y: neuron_movement(ReLUNetwork(X.T, y), ReLUNetwork(-X.T, y))},
    "particles_of": {"": lambda X, y: particles_of(Weights(X.T, y))},
    "alignment_times": {
        "": lambda X, y: alignment_times(
            np.arange(len(cosines(y))), cosines(y), [[1.0] * 4], sign=1, delta=0.1
        )
    },
    "aligned_share": {"": lambda X, y: aligned_share(cosines(y), [[1.0] * 4], sign=1, delta=0.1)},
    "largest_cosines": {"": lambda X, y: largest_cosines(cosines(y), [[1.0] * 4], 1)},
}

# Functions of no data of the user's: teachers and their studies.
NO_DATA = {
    "random_teachers": lambda s: random_teachers(2, 1, s),
    "radius_study": lambda s: radius_study(
        random_teachers(2, 1, 1.0), [s], 2, n_steps=3, step_size=1e-2, batch_size=2, n_test=5, n_records=2
    ),
    "width_study": lambda s: width_study(
        random_teachers(2, 1, 1.0), [1, 2], radius=s, n_steps=3, step_size=1e-2, batch_size=2, n_test=5
    ),
}
READERS = {"load_trajectory", "load_logistic_flow", "decaying"}  # of files and of numbers of steps
# What a run is after it has diverged, and times that never come, are not finite by their definition.
DIVERGES = {"simulate", "particle_flow", "gradient_flow", "radius_study", "width_study", "side_by_side"}
INFINITE = {
    "separation_time": frozenset({"result"}),
    "alignment_times": frozenset({"result"}),
    "early_path": frozenset({"log_growths", "times"}),
}


def test_every_public_function_is_among_them():
    room = cvxnn.dynamics
    functions = {name for name in room.__all__ if inspect.isfunction(getattr(room, name))}
    assert functions <= CALLS.keys() | NO_DATA.keys() | READERS


# Theorems whose hypotheses small data hardly meet in few steps: refused, by the hypothesis.
NEEDS_MORE = {"lazy_training", "lazy_scaling", "training_limits", "meeting"}
# What long functions are tried on by default; on the rest of the data they are `slow`.
TYPICAL = (
    "zero row",
    "all rows zero",
    "repeated to 1e-8",
    "integer grid",
    "one sample",
    "X and y times 1e-150",
)
LONG = {
    "convex_comparison",
    "early_alignment",
    "gradient_flow",
    "meeting",
    "particle_optimality",
    "projected_descent",
    "saddle_to_saddle",
    "sgd_limit",
    "side_by_side",
}


@pytest.mark.parametrize(
    "name", [*CALLS, *(pytest.param(name, marks=pytest.mark.slow) for name in sorted(LONG))]
)
def test_right_or_refused(name, request, awkward_samples, right_or_refused):
    answered: set[str] = set()
    everything = name not in LONG or request.node.get_closest_marker("slow") is not None
    for case, (X, y) in awkward_samples.items():
        if not (everything or case in TYPICAL):
            continue
        for kind, call in CALLS[name].items():
            try:
                result = right_or_refused(
                    lambda call=call, X=X, y=y: judged(name, call(X, y)), INFINITE.get(name, frozenset())
                )
            except Exception as error:
                raise AssertionError(f"{name} ({kind}) on {case}") from error
            answered |= {case} if result is not None else set()
    assert answered or name in NEEDS_MORE


def judged(name, result):
    """Return what must be numbers: of a run that may diverge, no more than it says of itself."""
    if name not in DIVERGES:
        return result
    return (float(result.times[-1]),) if hasattr(result, "times") else ("run",)


@pytest.mark.parametrize("name", NO_DATA)
def test_extreme_numbers_are_right_or_refused(name, right_or_refused):
    for s in (1e-150, 1.0, 1e150):
        right_or_refused(lambda s=s: judged(name, NO_DATA[name](s)))
    assert right_or_refused(lambda: judged(name, NO_DATA[name](1.0))) is not None


def test_flow_on_data_times_a_million_ends(awkward_samples):
    """Its steps are as short as the curvature is large: refused with the time that could be reached, or cut."""
    X, y = awkward_samples["plain"]
    for s in (1e6, 1e80):
        with pytest.raises(
            ValueError, match=r"t_end must be at most about \d.*, which takes about \d.* steps"
        ):
            gradient_flow(plain(s * X, y), batch(X), t_end=1.0)
    with pytest.raises(ValueError, match="t_end must be at most"):
        descent_order(plain(1e6 * X, y), batch(X), t_end=1.0)
    cut = gradient_flow(plain(1e6 * X, y), batch(X), t_end=1.0, max_seconds=0.05)
    assert cut.status.name == "MAX_SECONDS"
    assert cut.times[-1] < 1.0
    # the time that is named can be reached: the same flow in other units of time
    assert gradient_flow(plain(1e6 * X, y), batch(X), t_end=1e-12).status.name == "FINISHED"


def test_distances_of_measures_follow_the_unit_of_mass():
    def distance(unit):
        return measure_distance(
            SphereMeasure(np.eye(2), [unit, 2 * unit]), SphereMeasure(-np.eye(2), [unit, unit])
        )

    for power in (-500, -20, 20, 500):
        assert distance(2.0**power) == pytest.approx(2.0**power * distance(1.0), rel=1e-12)
