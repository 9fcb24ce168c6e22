"""Every program on data where theory goes wrong: the right optimum, or a refusal in words."""

from __future__ import annotations

import numpy as np
import pytest

from cvxnn import Problem, beta_max, enumerate_patterns, train
from cvxnn.programs import CopositiveProgram, GatedReLUProgram, MaxMarginProgram, ReLUProgram
from cvxnn.solvers import solve
from cvxnn.testing import CORNERS, check_answers


def corner(name, share, data=1.0, target=1.0):
    X, y = CORNERS[name]
    critical = beta_max(X, y) or 1.0
    return Problem(X * data, y * target, share * critical * data * target)


def two_columns(problem):
    return problem.with_targets(np.stack([problem.y, 0.5 * problem.y], axis=1))


# Optima, that scale with the square of y.
OPTIMA = {
    "ReLUProgram": lambda p: solve(ReLUProgram(p, enumerate_patterns(p.X)), tol=1e-8).objective,
    "GatedReLUProgram": lambda p: solve(GatedReLUProgram(p, enumerate_patterns(p.X)), tol=1e-8).objective,
    "GatedReLUProgram, two outputs": lambda p: (
        solve(GatedReLUProgram(two_columns(p), enumerate_patterns(p.X)), tol=1e-7).objective
    ),
    "CopositiveProgram": lambda p: CopositiveProgram(two_columns(p)).solve().value,
}


@pytest.mark.parametrize("where", CORNERS)
@pytest.mark.parametrize("name", OPTIMA)
def test_corners_get_numbers_or_words(name, where):
    for share in (1.0, 0.1):
        value = check_answers(lambda share=share: OPTIMA[name](corner(where, share)))
        assert value is None or value >= -1e-8  # Clarabel's absolute tolerance


@pytest.mark.parametrize("where", CORNERS)
def test_optima_over_all_cells_are_those_of_training(where):
    problem = corner(where, 0.1)
    certificate = train(problem, tol=1e-7).certificate
    assert OPTIMA["ReLUProgram"](problem) == pytest.approx(certificate.objective, rel=1e-6, abs=1e-12)
    # Two columns of one direction are one of its length: the optimum is that of targets times sqrt(1.25).
    longer = problem.with_targets(problem.y * 1.25**0.5)
    value = OPTIMA["ReLUProgram"](longer)
    assert OPTIMA["CopositiveProgram"](problem) <= value * (1 + 1e-6) + 1e-9


@pytest.mark.parametrize(
    ("data", "target"), [(2.0**-60, 2.0**100), (2.0**100, 2.0**100), (2.0**-150, 2.0**-150)]
)
@pytest.mark.parametrize("name", OPTIMA)
def test_units_change_optima_by_their_square(name, data, target):
    expected = OPTIMA[name](corner("ordinary rows", 0.1))
    value = check_answers(lambda: OPTIMA[name](corner("ordinary rows", 0.1, data, target)))
    assert value is not None
    # Gaps of 1e-7 and less on either side.
    assert value / target**2 == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("where", CORNERS)
def test_max_margin_programs_are_stated(where):
    X, y = CORNERS[where]
    signs = np.where(y > 0, 1.0, -1.0)
    check_answers(lambda: MaxMarginProgram(X, signs, enumerate_patterns(X)).to_cvxpy().problem.is_dcp())
