"""Decaying steps."""

import pytest

from cvxnn.dynamics.descent.schedules import decaying


def test_steps_decay_by_their_power():
    schedule = decaying(0.75, 10.0)
    assert schedule(0) == 1.0
    assert schedule(10**7) / schedule(10**6) == pytest.approx(10**-0.75, rel=1e-4)
    assert decaying(0.0)(10**6) == 1.0


@pytest.mark.parametrize(("power", "offset", "name"), [(-1.0, 1.0, "power"), (1.0, 0.0, "offset")])
def test_numbers_out_of_range_are_refused(power, offset, name):
    with pytest.raises(ValueError, match=f"{name} must be"):
        decaying(power, offset)
