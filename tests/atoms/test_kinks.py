"""What counts as on a kink is a share of the lengths of sample and neuron, and one convention for all."""

import ast
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cvxnn
from cvxnn.atoms import ON_KINK, find_kinks, kink_signs


def test_rounding_does_not_take_a_neuron_off_its_kink():
    X = np.array([[1.0, 0.0], [0.0, 1.0]])
    hidden = np.array([[1.0, 1.0], [1e-13, -1.0]])
    np.testing.assert_array_equal(kink_signs(X, hidden), [[1, 1], [0, -1]])
    np.testing.assert_array_equal(kink_signs(X, hidden, kink_tol=0.0), [[1, 1], [1, -1]])
    np.testing.assert_array_equal(find_kinks(X, hidden), [[False, False], [True, False]])


@given(st.integers(0, 300), st.integers(-140, 140), st.integers(-140, 140))
def test_kinks_do_not_depend_on_the_lengths_of_samples_and_neurons(seed, sample_exponent, neuron_exponent):
    rng = np.random.default_rng(seed)
    X, hidden = rng.standard_normal((6, 3)), rng.standard_normal((3, 4))
    hidden[:, 0] -= X[0] * (X[0] @ hidden[:, 0]) / (X[0] @ X[0])  # on a kink, to rounding
    # Powers of two scale products and lengths without rounding.
    scaled = kink_signs(np.ldexp(X, sample_exponent), np.ldexp(hidden, neuron_exponent))
    np.testing.assert_array_equal(scaled, kink_signs(X, hidden))
    assert scaled[0, 0] == 0
    assert np.count_nonzero(scaled == 0) == 1


@pytest.mark.parametrize(("cosine", "sign"), [(0.5 * ON_KINK, 0), (2.0 * ON_KINK, 1), (-2.0 * ON_KINK, -1)])
def test_a_kink_is_as_wide_as_the_convention_says(cosine, sign):
    assert kink_signs(np.array([[3.0, 0.0]]), np.array([[cosine], [1.0]]))[0, 0] == sign


def test_zero_neurons_are_on_all_kinks_and_all_neurons_on_those_of_zero_samples():
    X, hidden = np.array([[1.0, 1.0], [0.0, 0.0]]), np.array([[0.0, 1.0], [0.0, 1.0]])
    np.testing.assert_array_equal(find_kinks(X, hidden), [[True, False], [True, True]])


def other_conventions(source: str) -> list[str]:
    """Return the parameters and fields ``kink_tol`` with a default of their own, and the constants for it."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            arguments, ends = node.args, len(node.args.args)
            given = dict(
                zip(arguments.args[ends - len(arguments.defaults) :], arguments.defaults, strict=True)
            )
            given |= dict(zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True))
            named = [(node.name, argument.arg, default) for argument, default in given.items()]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            named = [("a field", node.target.id, node.value)]
        elif isinstance(node, ast.Assign):
            named = [("a constant", name.id, None) for name in node.targets if isinstance(name, ast.Name)]
        else:
            continue
        found += [
            where
            for where, name, default in named
            if (name == "kink_tol" and default is not None and ast.unparse(default) != "ON_KINK")
            or (where == "a constant" and name.endswith("ON_KINK"))
        ]
    return found


def test_there_is_one_convention():
    root = Path(cvxnn.__file__).parent
    sources = {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in root.rglob("*.py")}
    told = {name: source for name, source in sources.items() if "kink" in source.lower()}
    found = {name: other for name, source in told.items() if (other := other_conventions(source))}
    # SGD comes near a kink and never on it: its limit is judged in a neighbourhood. So do flows, of which `kkt` judges
    # the limits: with its one tolerance, unless another is given for kinks.
    assert found == {
        "atoms/kinks.py": ["a constant"],
        "dynamics/descent/stochastic_limit.py": ["sgd_limit"],
        "margin/kkt_points.py": ["kkt"],
    }


@pytest.mark.parametrize(
    "source",
    [
        "_ON_KINK = 1e-9",
        "def f(X, kink_tol=1e-8): ...",
        "def f(*, kink_tol=1e-8): ...",
        "kink_tol: float = 1e-9",
    ],
)
def test_another_convention_is_found(source):
    assert len(other_conventions(source)) == 1
