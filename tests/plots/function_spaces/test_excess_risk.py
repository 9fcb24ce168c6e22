"""The picture of excess risks."""

import numpy as np
import pytest

from cvxnn.function_spaces.generalisation.excess_risk import ExcessRiskCurve
from cvxnn.plots.function_spaces.excess_risk import excess_risks


def curve():
    f1 = np.array([[0.8, 0.4, 0.2], [0.2, 0.1, 0.05]])  # d = 8 first, then 2: exponent 1
    whole, zeros = np.zeros((2, 3), dtype=np.int64), np.zeros((2, 3))
    sizes = np.array([9, 9]), np.array([8, 2])
    return ExcessRiskCurve(
        *sizes, f1, np.full((2, 3), 0.5), whole, whole, (0.1,), (0.1,), zeros, zeros, zeros
    )


def test_arrays_are_quartiles_by_increasing_size():
    shown = excess_risks(curve())
    np.testing.assert_array_equal(shown.sizes, [2, 8])
    np.testing.assert_allclose(shown.f1, [[0.075, 0.3], [0.1, 0.4], [0.15, 0.6]])
    assert shown.slope_f1.value == pytest.approx(1.0)
    assert shown.slope_f2.value == pytest.approx(0.0)


def test_labels_and_axes():
    ax = excess_risks(curve()).plot()
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("dimension d", "excess risk")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "F₁, exponent 1.00 ± 0.00",
        "F₂, exponent 0.00 ± 0.00",
        "predicting the mean",
    ]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["2", "8"]
    ax.figure.draw_without_rendering()
    assert excess_risks(curve()).plot(ax) is ax


def test_an_axis_without_spread_is_refused():
    with pytest.raises(ValueError, match="sizes must not all be equal; got 9"):
        excess_risks(curve(), "samples")
    with pytest.raises(ValueError, match="against must be 'samples' or 'dimensions'"):
        excess_risks(curve(), "d")
