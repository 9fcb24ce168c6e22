"""The law of answers rejects NaN, warnings, foreign exceptions and foreign words."""

import warnings
from dataclasses import dataclass

import numpy as np
import pytest

from cvxnn.testing import CORNERS, check_answers


@dataclass
class Nested:
    parts: tuple


def warns():
    warnings.warn("planted", stacklevel=1)
    return 1.0


def raises(error):
    def call():
        raise error

    return call


FAULTS = [
    (lambda: np.nan, "no NaN"),
    (lambda: Nested((np.array([1.0, np.nan]),)), "no NaN"),
    (warns, "an answer or a ValueError must come back"),
    (raises(ArithmeticError("planted")), "an answer or a ValueError must come back"),
    (raises(np.linalg.LinAlgError("singular")), "user's words"),
    (raises(ValueError("Solver 'CLARABEL' failed")), "user's words"),
]


@pytest.mark.parametrize(("call", "message"), FAULTS)
def test_the_law_rejects(call, message):
    with pytest.raises(AssertionError, match=message):
        check_answers(call)


def test_the_law_accepts():
    assert check_answers(lambda: 2.0) == 2.0
    assert check_answers(lambda: np.inf) == np.inf
    assert check_answers(raises(ValueError("X must not be empty"))) is None


def test_corners_are_what_they_are_called():
    X, _ = CORNERS["a zero row"]
    assert np.any(np.all(X == 0, axis=1))
    assert np.linalg.matrix_rank(CORNERS["rows of one line"][0]) == 1
    X, _ = CORNERS["opposite rows"]
    np.testing.assert_array_equal(X[2], -X[0])
