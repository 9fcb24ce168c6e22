"""Functions that take a problem, a network or what training returned refuse anything else in the user's words."""

import importlib
import inspect
import pkgutil
import re

import numpy as np
import pytest

import cvxnn
from cvxnn import Problem, ReLUProgram, ReLURegressor, certify, enumerate_patterns, solve, train
from cvxnn.dynamics import Weights
from cvxnn.landscape import stationarity, to_blocks
from cvxnn.margin import kkt
from cvxnn.plots import convergence, fit_1d, neurons
from cvxnn.threads import blas
from cvxnn.validation import require_kind

NOUN = re.compile(
    r"^(Problem|\w*Network|\w*Program|Trajectory|\w+Curve|\w+Study|SolutionPath|\w+Result|Weights|\w+Comparison)$"
)


class Stranger:
    """No argument of any function."""


def doors():
    """Return every public function that takes one of the package's nouns first or second, by module and name."""
    rooms = [module.name for module in pkgutil.iter_modules(cvxnn.__path__, "cvxnn.") if module.ispkg]
    found = {}
    for room in ("cvxnn", *rooms):
        if room == "cvxnn.testing":
            continue
        module = importlib.import_module(room)
        for name in getattr(module, "__all__", ()):
            function = getattr(module, name)
            if not inspect.isfunction(function):
                continue
            parameters = list(inspect.signature(function).parameters.values())
            for parameter in parameters[:2]:
                if any(NOUN.match(part.strip()) for part in str(parameter.annotation).split("|")):
                    found[function.__module__, name] = function
    return found


DOORS = doors()


def call(function, **given):
    """Call a function with what is given, and a stranger for whatever else it requires."""
    required = {
        name: Stranger()
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
    }
    positional = [
        required[name] if name not in given else given[name] for name in required if name in required
    ]
    names = list(required)
    keyword = {
        name: value
        for name, value in zip(names, positional, strict=True)
        if inspect.signature(function).parameters[name].kind is inspect.Parameter.KEYWORD_ONLY
    }
    return function(
        *(value for name, value in zip(names, positional, strict=True) if name not in keyword), **keyword
    )


def require_refusal(function):
    """Raise ``AssertionError`` unless the function names a wrong argument, what it found and what it accepts."""
    try:
        made = call(function)
        if inspect.isgenerator(made):
            next(made)
    except ValueError as error:
        named = [
            name
            for name in inspect.signature(function).parameters
            if str(error).startswith(f"{name} must be")
        ]
        if named and "got Stranger" in str(error):
            return
        raise AssertionError(f"{function.__name__} should name its argument; it says {error}") from error
    except Exception as error:
        raise AssertionError(
            f"{function.__name__} should refuse its argument; it fails by {error!r}"
        ) from error
    raise AssertionError(f"{function.__name__} takes anything")


@pytest.mark.parametrize("door", sorted(DOORS), ids=".".join)
def test_a_wrong_kind_of_argument_is_named(door):
    require_refusal(DOORS[door])


def test_the_law_rejects_a_function_that_fails_inside():
    """The planted fault."""

    def careless(problem):
        return problem.beta

    with pytest.raises(AssertionError, match="fails by AttributeError"):
        require_refusal(careless)


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(3)
    return Problem(np.column_stack([rng.standard_normal(12), np.ones(12)]), rng.standard_normal(12), beta=0.5)


@pytest.fixture(scope="module")
def result(problem):
    return train(problem)


@pytest.mark.parametrize("function", [certify, stationarity])
def test_swapped_arguments_are_refused_with_their_order(function, problem, result):
    with pytest.raises(
        ValueError, match=r"problem must be a Problem; got ReLUNetwork: a problem comes before"
    ):
        function(result.network, problem)


def test_a_program_is_no_problem_and_the_other_way_round(problem, result):
    program = ReLUProgram(problem, enumerate_patterns(problem.X))
    with pytest.raises(
        ValueError, match=r"program must be a ConvexProgram; got Problem: ReLUProgram\(problem"
    ):
        solve(problem)
    with pytest.raises(
        ValueError, match="problem must be a Problem; got ReLUProgram: its attribute problem is one"
    ):
        train(program)
    with pytest.raises(ValueError, match="program must be a ReLUProgram; got ReLUNetwork"):
        to_blocks(result.network, program)


def test_a_batch_of_networks_says_which_call_makes_one(problem, result):
    weights = Weights(result.network.hidden, result.network.output)
    with pytest.raises(
        ValueError, match=r"got Weights: a batch of networks, of which Weights.network\(index\)"
    ):
        certify(problem, weights)


def test_an_estimator_says_where_its_network_is(problem):
    model = ReLURegressor(tol=0.1).fit(problem.X, problem.y)
    with pytest.raises(ValueError, match="got ReLURegressor: its attribute network_ is its network"):
        problem.objective(model)


def test_a_result_stands_for_its_network(problem, result):
    assert certify(problem, result).objective == certify(problem, result.network).objective
    assert problem.objective(result) == problem.objective(result.network)
    again = train(problem, start=result, tol=0.1)
    # Never worse, but for the rounding that merging equal neurons may cost.
    assert again.certificate.objective <= result.certificate.objective * (1 + 1e-9)
    assert stationarity(problem, result).distance == stationarity(problem, result.network).distance
    separating = train(Problem(problem.X, np.sign(problem.X[:, 0]), beta=1e-3), tol=0.1)
    labels = np.sign(problem.X[:, 0])
    assert kkt(problem.X, labels, separating).residual == kkt(problem.X, labels, separating.network).residual


def test_pictures_take_a_result(problem, result):
    np.testing.assert_array_equal(neurons(result).weights, neurons(result.network).weights)
    np.testing.assert_array_equal(fit_1d(result, [0.5]).curve, fit_1d(result.network, [0.5]).curve)
    shown = convergence(result)
    np.testing.assert_array_equal(shown.objective, convergence(result.history).objective)
    assert shown.best is result.certificate
    with pytest.raises(ValueError, match=r"history must be a TrainingResult or its .* got ReLUNetwork"):
        convergence(result.network)


def test_kinds_are_named_with_their_article():
    assert require_kind(1, int, "n") == 1
    with pytest.raises(ValueError, match=r"n must be an Array or str; got int: use another$"):
        require_kind(1, (type("Array", (), {}), str), "n", "use another")


# Single passes over weights, masks or rows: nothing that other busy processes could hold up at every step.
SINGLE_PASSES = {
    "block_velocities",
    "dual_bound",
    "function_distance",
    "is_scaled",
    "l1_objective",
    "largest_spread",
    "merge_directions",
    "neuron_distance",
    "particles_of",
    "path_betas",
    "permute",
    "predicted_steps",
    "ridge_output",
    "separation",
    "small_random_network",
    "spline_kinks",
    "split",
    "to_blocks",
    "to_l1_form",
    "unit_norm_form",
    "what_changed",
    "width_bounds",
}


def keeps_blas_on_one_thread(function):
    """Return whether a function is decorated with `on_one_blas_thread`, beneath other decorators perhaps."""
    while function is not None:
        if function.__code__.co_filename == blas.__file__:
            return True
        function = getattr(function, "__wrapped__", None)
    return False


def test_doors_keep_blas_on_one_thread():
    rooms = ("cvxnn.plots.", "cvxnn.exports.")  # pictures of results, and weights in other formats
    others = {
        name
        for (module, name), function in DOORS.items()
        if not module.startswith(rooms) and not keeps_blas_on_one_thread(function)
    }
    assert others == SINGLE_PASSES


def test_a_door_that_leaves_blas_alone_is_found():
    assert keeps_blas_on_one_thread(train)
    assert not keeps_blas_on_one_thread(inspect.unwrap(train))
