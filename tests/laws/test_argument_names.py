"""Arguments of public functions: one name for one notion, described where the name does not say it, problem or data."""

import importlib
import inspect
import itertools
import pkgutil
import re

import numpy as np
import pytest

import cvxnn
from cvxnn import Problem
from cvxnn.dynamics import initialisation
from cvxnn.names import keep_old_arguments
from cvxnn.testing import samplers

# What the names left are called here.
BANNED = {
    "kink_tol": {"tie_tol", "tol_kink", "kink_tolerance", "on_kink"},
    "index": {"network_index", "neuron_index", "which", "idx"},
    "activation": {"act", "activation_function", "activation_fn", "nonlinearity"},
    "random_state": {"seed", "random_seed"},
    "max_seconds": {"time_limit", "timeout", "max_time", "seconds_limit"},
    "max_iterations": {"max_iter", "maxiter", "n_iter"},
    "batch_size": {"batch"},
    "n_neurons": {"n_hidden", "hidden_size"},
    "ratio": {"beta_min_ratio", "ratio_min"},
    "step_size": {"lr", "learning_rate", "eta"},
    "beta": {"weight_decay", "wd", "reg", "lambda_"},
    "lam": {"dual_variable"},
}
AMERICAN = re.compile(r"(iz(e|ed|es|er|ing|ation)(?=_|$)|color|center|behavior|neighbor|labeled|analyz|gray)")
# scikit-learn's own argument, which estimators share with it.
SCIKIT_LEARN = {"standardize"}
# Which of them is asked for by `index`.
NOUNS = {"network", "neuron", "sample", "teacher", "time"}
DESCRIBED = ("tol", "kink_tol", "activation", "index")


def rooms():
    """Return the package and its rooms, imported."""
    found = [name for _, name, package in pkgutil.iter_modules(cvxnn.__path__, "cvxnn.") if package]
    return [cvxnn, *map(importlib.import_module, found)]


def callables(room):
    """Return the public functions and classes of a room, and the public methods of its classes, by name."""
    found = {}
    for name in getattr(room, "__all__", ()):
        value = getattr(room, name)
        if inspect.isclass(value):
            methods = {k: getattr(value, k) for k in vars(value) if not k.startswith("_")}
            found |= {
                f"{name}.{k}": method
                for k, method in methods.items()
                if callable(method) and not inspect.isclass(method)
            }
        if callable(value) and not (inspect.isclass(value) and issubclass(value, BaseException)):
            found[name] = value
    return found


def every():
    """Return all of them once, by the file they come from, with the functions of modules that rooms export whole."""
    found = [named for room in rooms() for named in callables(room).items()]
    for module in (initialisation, samplers):
        named = inspect.getmembers(module, inspect.isfunction)
        found += [
            (name, value) for name, value in named if name[0] != "_" and value.__module__ == module.__name__
        ]
    return {f"{value.__module__}.{name}": value for name, value in found}


def wrong_names(function):
    """Return the arguments of a function that have another name elsewhere, or American spelling."""
    banned = {old for olds in BANNED.values() for old in olds}
    arguments = inspect.signature(function).parameters
    american = {a for a in arguments if AMERICAN.search(a) and not re.search(r"(^|_)sizes?($|_)", a)}
    numbers = {a for a in NOUNS & arguments.keys() if arguments[a].annotation in (int, "int")}
    return sorted((banned & arguments.keys()) | (american - SCIKIT_LEARN) | numbers)


def not_described(function):
    """Return the arguments that need a line among the parameters of the docstring and have none."""
    lines = inspect.cleandoc(function.__doc__ or "").splitlines()
    heads = [line.partition(" : ")[0] for line, below in itertools.pairwise(lines) if below[:4] == "    "]
    described = {name for head in heads for name in head.split(", ")}
    return [
        name for name in DESCRIBED if name in inspect.signature(function).parameters and name not in described
    ]


def wrong_default(function):
    """Return whether an activation may be left out, and is another than "relu" then."""
    argument = inspect.signature(function).parameters.get("activation")
    return argument is not None and argument.default not in (argument.empty, "relu")


def is_mixed(functions):
    """Return whether some functions take a problem first, and others data and targets."""
    required = [
        [name.lower() for name, a in inspect.signature(f).parameters.items() if a.default is a.empty]
        for f in functions
    ]
    return any(r[:2] == ["x", "y"] for r in required) and any(r[:1] == ["problem"] for r in required)


def old_arguments(function):
    """Return the new name of every old argument that a function still takes."""
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    return cells["names"].cell_contents if "names" in cells and hasattr(function, "__wrapped__") else {}


ALL = every()


def test_there_are_as_many_as_there_were():
    assert len(ALL) > 400
    known = (
        "networks.ReLUNetwork.prune_zeros",
        "dynamics.initialisation.mean_field",
        "margin.kkt_points.kkt",
    )
    assert {f"cvxnn.{name}" for name in known} <= ALL.keys()


def test_one_notion_has_one_name():
    assert {name: wrong for name, f in ALL.items() if (wrong := wrong_names(f))} == {}


def test_names_that_do_not_say_it_are_described():
    assert {name: missing for name, f in ALL.items() if (missing := not_described(f))} == {}


def test_activations_are_relus_unless_another_is_asked_for():
    assert [name for name, f in ALL.items() if wrong_default(f)] == []


@pytest.mark.parametrize("room", rooms()[1:], ids=lambda room: room.__name__)
def test_a_room_of_problems_and_of_data_says_why(room):
    functions = [f for name, f in callables(room).items() if inspect.isfunction(f) and "." not in name]
    assert not is_mixed(functions) or "(X, y), as" in room.__doc__.replace("\n", " ")


def test_old_arguments_lead_to_those_of_the_signature():
    kept = {name: old for name, f in ALL.items() if inspect.isfunction(f) and (old := old_arguments(f))}
    assert len(kept) > 10
    for name, old in kept.items():
        arguments = inspect.signature(ALL[name]).parameters
        assert set(old.values()) <= arguments.keys(), name
        assert not old.keys() & arguments.keys(), name


def planted():
    """Return a function at which each law must fail."""

    def fit(problem, *, neuron: int = 0, tie_tol=1e-9, color="red", activation=1, tol=1e-3):
        """Return nothing.

        Parameters
        ----------
        problem, neuron, tie_tol
            As ever.
        activation : int
            Its ``tol`` is not described.
        """

    return fit


def test_planted_faults_are_found():
    fit = planted()
    assert wrong_names(fit) == ["color", "neuron", "tie_tol"]
    assert not_described(fit) == ["tol"]
    assert wrong_default(fit)
    assert is_mixed([fit, lambda X, y: None])
    assert not is_mixed([fit, lambda X, lam: None])
    assert old_arguments(keep_old_arguments(eta="ratio")(fit)) == {"eta": "ratio"}
    assert old_arguments(fit) == {}


@pytest.mark.parametrize(
    ("name", "arguments", "old"),
    [
        ("atoms.kink_signs", (np.eye(2), np.eye(2)), {"tol": 1e-9}),
        ("atoms.find_kinks", (np.eye(2), np.eye(2)), {"tol": 1e-9}),
        ("landscape.merge_cones", (cvxnn.ReLUNetwork(np.eye(2), [1.0, 1.0]), np.eye(2)), {"tol": 1e-9}),
        ("function_spaces.gamma_2", (np.eye(2),), {"f": [1.0, 1.0]}),
        ("dynamics.random_teachers", (2,), {"n_hidden": 3, "radius": 1.0}),
        ("certificates.search", (np.eye(2), np.ones(2)), {"max_iter": 3}),
    ],
)
def test_old_arguments_work_and_say_what_to_write(name, arguments, old):
    room, _, function = name.partition(".")
    call = getattr(importlib.import_module(f"cvxnn.{room}"), function)
    with pytest.warns(DeprecationWarning, match=f"{function}: the argument {next(iter(old))} is now called"):
        call(*arguments, **old)


def test_every_activation_of_a_function_is_refused_in_one_way():
    data = (np.eye(2), np.ones(2))
    for name in ("variation_norm", "neuron_oracle", "constrained_fit", "neuron_norms"):
        function = getattr(importlib.import_module("cvxnn.function_spaces"), name)
        arguments = {
            "neuron_oracle": data[:1],
            "constrained_fit": (*data, 1.0),
            "neuron_norms": (*data, [1, 2]),
        }
        with pytest.raises(ValueError, match="activation must be one of"):
            function(*arguments.get(name, data), activation="gelu")
        with pytest.raises(ValueError, match="activation must be"):
            function(*arguments.get(name, data), activation="tanh")
    start = cvxnn.ReLUNetwork(np.eye(2), [1.0, 1.0])
    with pytest.raises(ValueError, match="activation must be one of"):
        cvxnn.dynamics.simulate(Problem(*data, beta=0.0), start, n_steps=1, step_size=0.1, activation="gelu")
