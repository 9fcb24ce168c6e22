"""Why rounds end, and what passes interrupts on."""

from types import SimpleNamespace

import pytest

from cvxnn.function_spaces.unit_norm.rounds import settled, uninterrupted
from cvxnn.statuses import SolveStatus


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


def test_interrupts_are_passed_on():
    kept = SimpleNamespace(status=SolveStatus.MAX_ROUNDS)
    assert uninterrupted(kept) is kept
    with pytest.raises(KeyboardInterrupt):
        uninterrupted(SimpleNamespace(status=SolveStatus.INTERRUPTED))
