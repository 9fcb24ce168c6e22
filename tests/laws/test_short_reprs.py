"""A value prints in a few lines, however many samples, features or neurons it holds."""

import dataclasses
import importlib
import inspect
import pkgutil
from enum import Enum

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

import cvxnn
from cvxnn import (
    Problem,
    ReLUNetwork,
    relu_path,
    sample_patterns,
    train,
)
from cvxnn.dynamics import SphereMeasure, Weights, gradient_flow, simulate
from cvxnn.function_spaces import (
    ArcCosineCovariance,
    ConditionalGradient,
    constrained_fit,
    variation_norm,
)
from cvxnn.interpretation import active_regions
from cvxnn.networks import GatedReLUNetwork
from cvxnn.programs import GatedReLUProgram, MaxMarginProgram, ReLUProgram
from cvxnn.short_reprs import LIMIT, short_repr
from cvxnn.tables import fit_table


def public_classes():
    """Return every public class of every room."""
    rooms = [module.name for module in pkgutil.iter_modules(cvxnn.__path__, "cvxnn.") if module.ispkg]
    found = {}
    for room in ("cvxnn", *rooms):
        module = importlib.import_module(room)
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if inspect.isclass(value):
                found[f"{value.__module__}.{value.__qualname__}"] = value
    return found


CLASSES = public_classes()


def is_short(cls):
    return getattr(cls.__repr__, "__module__", None) == short_repr.__module__


def has_plain_repr(cls):
    """Say whether a class prints as a dataclass of numbers, an enumeration, an estimator, an error, or not at all."""
    if issubclass(cls, Enum | BaseEstimator | BaseException) or inspect.isabstract(cls):
        return True
    if cls.__repr__ is object.__repr__:
        return True
    generated = dataclasses.is_dataclass(cls) and hasattr(cls.__repr__, "__wrapped__")
    return generated and all(is_number(field.type) for field in dataclasses.fields(cls))


def is_number(annotation):
    plain = ("int", "float", "bool", "None", "str", "Literal[")
    return all(part.strip().startswith(plain) for part in str(annotation).replace("', '", "").split("|"))


def large(annotation):
    """Return a large value of a field's type, or as large a one of another."""
    if "Array" in annotation:
        return np.broadcast_to(1 / 3, (1000, 1000))
    if annotation.startswith(("tuple", "list", "Sequence", "Mapping", "dict")):
        return tuple(np.full(1000, 1 / 3) for _ in range(1000))
    if annotation == "str":
        return "x" * 1000
    return {"int": 10**9, "float": 1 / 3, "bool": True}.get(annotation, np.full(1000, 1 / 3))


def filled(cls):
    """Return an instance whose fields are all large, made without the class's own checks."""
    value = object.__new__(cls)
    for field in dataclasses.fields(cls):
        object.__setattr__(value, field.name, large(str(field.type)))
    return value


@pytest.mark.parametrize("name", sorted(name for name, cls in CLASSES.items() if is_short(cls)))
def test_values_print_short_at_any_size(name):
    assert len(repr(filled(CLASSES[name]))) < LIMIT


def own_values():
    """Return a value of each class that prints in its own way, 1000 samples or neurons where it has any."""
    rng = np.random.default_rng(0)
    X, y = np.column_stack([rng.standard_normal(1000), np.ones(1000)]), rng.standard_normal(1000)
    problem, tiny = Problem(X, y, beta=1e-3), Problem(X[:30], y[:30], beta=1.0)
    network = ReLUNetwork(rng.standard_normal((2, 1000)), rng.standard_normal(1000))
    patterns = sample_patterns(X, 100, random_state=0)
    few = sample_patterns(X, 3, random_state=0)
    weights = Weights(rng.standard_normal((100, 2, 9)), rng.standard_normal((100, 9)))
    flow = gradient_flow(tiny, ReLUNetwork(0.1 * network.hidden[:, :3], np.full(3, 0.1)), t_end=0.01)
    yield from (problem, network, patterns, weights, flow, flow.events)
    yield GatedReLUNetwork(network.hidden, network.hidden, network.output)
    yield from (ReLUProgram(problem, few), GatedReLUProgram(problem, few))
    yield GatedReLUProgram(Problem(X, np.column_stack([y, y]), beta=1.0), few)
    yield MaxMarginProgram(X, np.where(X[:, 0] > 0, 1.0, -1.0), few)
    yield train(tiny)
    yield simulate(tiny, weights, n_steps=2, step_size=1e-4)
    yield relu_path(X[:30], y[:30], betas=[2.0, 1.0])
    yield SphereMeasure.of(network)
    yield active_regions(network, X[:50])
    yield network.describe()
    yield ArcCosineCovariance()
    yield ConditionalGradient(delta=1.0, max_steps=2).run(X, y)
    yield constrained_fit(X[:9], y[:9], 1.0)
    yield variation_norm(X[:9], y[:9])
    yield fit_table(pd.DataFrame({"x": X[:40, 0], "y": y[:40]}), "y", tol=0.1)[0]


def test_classes_that_print_in_their_own_way_print_short():
    values = list(own_values())
    assert all(len(repr(value)) < LIMIT for value in values)
    tried = {type(value) for value in values}
    untried = {cls for cls in CLASSES.values() if not is_short(cls) and not has_plain_repr(cls)} - tried
    assert not untried


def test_a_short_value_prints_as_a_dataclass_does():
    @short_repr
    @dataclasses.dataclass
    class Sample:
        name: str
        value: float
        pair: tuple[int, int]

    assert repr(Sample("a", 0.1, (1, 2))).endswith("Sample(name='a', value=0.1, pair=(1, 2))")


def test_arrays_print_their_shape_and_collections_their_length():
    @short_repr
    @dataclasses.dataclass
    class Sample:
        rows: np.ndarray
        parts: tuple

    assert repr(Sample(np.zeros((1000, 3)), (1,) * 50)).endswith(
        "Sample(rows=<1000 x 3>, parts=<tuple of 50>)"
    )


def test_too_many_fields_end_in_dots():
    cls = short_repr(dataclasses.make_dataclass("Wide", [(f"field_{k}", float) for k in range(100)]))
    text = repr(cls(*range(100)))
    assert len(text) < LIMIT
    assert text.endswith(", ...)")


def test_the_law_rejects_a_class_that_prints_its_arrays():
    """The planted fault: a plain dataclass with arrays is neither short nor plain."""

    @dataclasses.dataclass
    class Whole:
        X: "np.ndarray"
        count: "int"

    np.testing.assert_equal(has_plain_repr(Whole), False)
    assert len(repr(Whole(np.full(1000, 1 / 3).tolist(), 1))) > LIMIT
