"""Why rounds end, in words, and the clock."""

from types import SimpleNamespace

import pytest

from cvxnn.function_spaces.unit_norm.rounds import RoundsStatus, settled, uninterrupted


@pytest.mark.parametrize(
    ("found_gap", "proven_gap", "method", "expected"),
    [
        (0.0, 0.5, "search", "PROVEN"),
        (0.0, 2.0, "search", "NO_DESCENT"),
        (0.0, 2.0, "angular sweep", "ROUNDING"),
        (1.5, 2.0, "search", None),
    ],
)
def test_what_settles_a_fit(found_gap, proven_gap, method, expected):
    reason = settled(found_gap, proven_gap, 1.0, method)
    assert (reason and reason.name) == expected


def test_every_status_is_a_sentence():
    for status in RoundsStatus:
        assert status.value[0].isupper()
        assert status.value.endswith(".")


def test_interrupts_are_passed_on():
    kept = SimpleNamespace(status=RoundsStatus.MAX_ROUNDS)
    assert uninterrupted(kept) is kept
    with pytest.raises(KeyboardInterrupt):
        uninterrupted(SimpleNamespace(status=RoundsStatus.INTERRUPTED))
