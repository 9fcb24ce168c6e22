"""Excess risks in F_1 and F_2 against d and n."""

from functools import partial

import numpy as np
import pytest

from cvxnn.function_spaces.generalisation.excess_risk import ExcessRiskCurve, excess_risk_curve
from cvxnn.function_spaces.generalisation.learners import KernelLearner, VariationNormLearner
from cvxnn.function_spaces.generalisation.targets import AffineTarget, SubspaceTarget

FAST = {"f1": VariationNormLearner((0.1, 0.01)), "f2": KernelLearner((0.1, 0.01, 1e-3, 1e-4))}


def test_f1_adapts_to_one_direction_where_f2_does_not():
    family = partial(SubspaceTarget.random, n_directions=1)
    curve = excess_risk_curve(family, samples=48, dimensions=6, n_repetitions=3, noise=0.2, **FAST)
    assert np.median(curve.f1) < 0.5 * np.median(curve.f2)
    assert np.nanmax(curve.violations) <= 1e-2  # what training asks for
    assert np.all(curve.lower_bounds <= curve.objectives)


def test_affine_targets_are_easy_for_both():
    curve = excess_risk_curve(AffineTarget.random, samples=32, dimensions=[1, 3], n_repetitions=1, **FAST)
    assert max(curve.f1.max(), curve.f2.max()) < 0.1
    assert (curve.f1.shape, curve.choices_f2.shape) == ((2, 1), (2, 1))


def test_one_sample_in_thirty_dimensions_teaches_nothing():
    # the risk of predicting the mean is 1; one sample of an even function does little good or harm, in either space
    family = partial(SubspaceTarget.random, n_directions=1)
    curve = excess_risk_curve(family, samples=1, dimensions=30, n_repetitions=3, noise=0.0, **FAST)
    assert min(curve.f1.min(), curve.f2.min()) > 0.5


def test_the_seed_decides():
    first, again, other = (
        excess_risk_curve(
            AffineTarget.random, samples=6, dimensions=1, n_repetitions=2, random_state=s, **FAST
        )
        for s in (0, 0, 1)
    )
    np.testing.assert_array_equal(first.f1, again.f1)
    np.testing.assert_array_equal(first.f2, again.f2)
    assert np.all(first.f1 != other.f1)


def curve_of(samples, dimensions, f1, f2):
    shape = np.shape(f1)
    whole, zeros = np.zeros(shape, dtype=np.int64), np.zeros(shape)
    return ExcessRiskCurve(
        np.array(samples),
        np.array(dimensions),
        np.array(f1),
        np.array(f2),
        whole,
        whole,
        (0.1,),
        (0.1,),
        zeros,
        zeros,
        zeros,
    )


def test_slopes_are_of_the_space_and_size_named():
    curve = curve_of([10, 10], [2, 8], [[0.1, 0.2], [0.4, 0.8]], [[0.1, 0.1], [0.1, 0.1]])
    assert curve.slope("f1", "dimensions").value == pytest.approx(1.0)
    assert curve.slope("f2", "dimensions").value == pytest.approx(0.0)
    with pytest.raises(ValueError, match="sizes must not all be equal; got 10"):
        curve.slope("f1", "samples")
    with pytest.raises(ValueError, match="space must be 'f1' or 'f2'; got 'f3'"):
        curve.slope("f3", "samples")
    with pytest.raises(ValueError, match="against must be 'samples' or 'dimensions'; got 'n'"):
        curve.slope("f1", "n")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"samples": 0}, "samples must be an integer >= 1; got 0"),
        ({"dimensions": [1, 2], "samples": [1, 2, 3]}, "as many entries; got 3 and 2"),
        ({"n_repetitions": 0}, "n_repetitions must be an integer >= 1"),
        ({"noise": -1.0}, "noise must be a finite number >= 0"),
        ({"n_test": 0}, "n_test must be an integer >= 1"),
        ({"distribution": "cube"}, "distribution must be one of"),
    ],
)
def test_bad_input_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        excess_risk_curve(AffineTarget.random, **{"samples": 4, "dimensions": 1, **change})
