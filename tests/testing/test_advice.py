"""Refusals of large data give advice that the function's own user can take."""

import numpy as np
import pytest

from cvxnn import (
    Problem,
    ReLUNetwork,
    certificates,
    certify,
    dynamics,
    enumerate_patterns,
    function_spaces,
    landscape,
    margin,
    programs,
)
from cvxnn.testing.arguments import check_advice

RNG = np.random.default_rng(0)
# Of 978,812 patterns, too many for theory, and of 6e29, too many for anyone.
X, Y = RNG.standard_normal((60, 5)), RNG.standard_normal(60)
LARGE, TARGETS = RNG.standard_normal((100, 50)), RNG.standard_normal(100)
PROBLEM, LARGE_PROBLEM = Problem(X, Y, beta=1.0), Problem(LARGE, TARGETS, beta=1.0)
NETWORK = ReLUNetwork(np.eye(50)[:, :2], [0.5, -0.5])

CALLS = [
    (landscape.minimum_norm_interpolation, lambda call: call(X, Y)),
    (landscape.interpolation_limit, lambda call: call(X, Y, [1.0, 0.5])),
    (landscape.solve_dual, lambda call: call(PROBLEM, method="cells")),
    (landscape.solve_dual, lambda call: call(PROBLEM, method="cells", max_seconds=None)),
    (landscape.solve_dual, lambda call: call(LARGE_PROBLEM)),
    (landscape.strong_duality, lambda call: call(PROBLEM)),
    (landscape.solution_path, lambda call: call(PROBLEM)),
    (landscape.local_minima, lambda call: call(LARGE_PROBLEM, 2)),
    (landscape.local_minima, lambda call: call(LARGE_PROBLEM, 2, output=[1.0, 1.0])),
    (landscape.cell_count, lambda call: call(LARGE)),
    (landscape.program_size, lambda call: call(LARGE)),
    (margin.oracle_as_hausdorff_distance, lambda call: call(X, Y)),
    (margin.oracle_as_hausdorff_distance, lambda call: call(LARGE, TARGETS)),
    (margin.Zonotope.vertices, lambda call: call(margin.Zonotope(LARGE))),
    (margin.hausdorff_distance, lambda call: call(margin.Zonotope(LARGE), margin.Zonotope(LARGE))),
    (margin.RectifiedEllipsoid, lambda call: call(X)),
    (margin.PolarSet.lines, lambda call: call(margin.PolarSet(X))),
    (margin.max_margin, lambda call: call(LARGE, np.sign(TARGETS), method="cells")),
    (programs.CopositiveProgram, lambda call: call(LARGE_PROBLEM)),
    (dynamics.critical_directions, lambda call: call(X, Y)),
    (function_spaces.error_decomposition, lambda call: call(LARGE, TARGETS, [0, 1], NETWORK, 1.0)),
    (certificates.CellOracle, lambda call: call(LARGE)),
    (certify, lambda call: call(LARGE_PROBLEM, NETWORK, method="cells")),
    (certify, lambda call: call(LARGE_PROBLEM, NETWORK, method="sweep")),
    (enumerate_patterns, lambda call: call(LARGE)),
]


@pytest.mark.parametrize("case", range(len(CALLS)), ids=[function.__qualname__ for function, _ in CALLS])
def test_refusals_name_arguments_of_their_function(case):
    function, call = CALLS[case]
    check_advice(function, lambda: call(function))


def borrowed(X):
    """Planted fault: a refusal that speaks of an argument of another function."""
    return enumerate_patterns(X)


def test_faulty_functions_are_found():
    with pytest.raises(AssertionError, match="max_patterns"):
        check_advice(borrowed, lambda: borrowed(LARGE))
    with pytest.raises(AssertionError, match="must be refused"):
        check_advice(borrowed, lambda: borrowed(X[:3]))


def test_advice_can_be_taken():
    with pytest.raises(ValueError, match=r"at most 2,000 activation patterns; 60 .* can have 978,812: take"):
        landscape.minimum_norm_interpolation(X, Y)
    few = X[:, :2]
    assert landscape.minimum_norm_interpolation(few, few @ [1.0, -1.0]).norm == pytest.approx(
        2.0 * np.sqrt(2.0)
    )
