"""Standardised bends."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from cvxnn.function_spaces.generalisation.bends import moments_of_bend, sum_of_bends


@pytest.mark.parametrize("kink", [-3.0, 0.0, 0.4, 5.0])
def test_moments_are_the_integrals(kink):
    def moment(power):
        parts = [
            quad(lambda t: abs(t - kink) ** power * norm.pdf(t), *ends) for ends in ((-12, kink), (kink, 12))
        ]
        return sum(part[0] for part in parts)

    mean, std = moments_of_bend(np.array([kink]))
    # the precision that the quadrature asks for
    assert mean[0] == pytest.approx(moment(1), abs=1e-7)
    assert std[0] ** 2 == pytest.approx(moment(2) - moment(1) ** 2, abs=1e-6)


def test_a_bend_bends_at_its_kink():
    t = np.array([[0.0], [1.0], [2.0], [3.0], [4.0]])
    values = sum_of_bends(t, np.array([2.0]), np.array([2.0]))
    assert values.argmin() == 2
    np.testing.assert_allclose(np.diff(values, 2), [0.0, 2 * np.diff(values)[-1], 0.0], atol=1e-12)
