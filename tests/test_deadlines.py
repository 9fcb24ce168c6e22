"""One clock: limits, what is left of them, and parts; no limit never ends."""

import math
import re
import time
from pathlib import Path

import pytest

import cvxnn
from cvxnn.deadlines import NEVER, Deadline, as_limit


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    return now


def test_it_counts_from_its_start(clock):
    deadline = Deadline.after(8)
    clock[0] = 105.0
    assert (deadline.elapsed, deadline.seconds_left, deadline.limit(), deadline.is_over) == (
        5.0,
        3.0,
        3.0,
        False,
    )
    clock[0] = 108.5
    assert (deadline.seconds_left, deadline.limit(), deadline.is_over) == (0.0, 1e-6, True)


def test_parts_are_of_all_and_shares_of_what_is_left(clock):
    deadline = Deadline.after(8.0)
    clock[0] = 104.0
    assert deadline.part(0.25).is_over
    assert not deadline.part(0.75).is_over
    assert deadline.share(0.25) == Deadline(1.0, 104.0)
    assert deadline.limit(at_least=0.9) == pytest.approx(7.2)


@pytest.mark.parametrize(
    "deadline", [NEVER, Deadline(), Deadline.after(None), Deadline.after(math.inf).share(0.1)]
)
def test_no_limit_never_ends(deadline):
    assert not deadline.is_over
    assert deadline.limit(at_least=0.5) is None
    assert deadline.seconds_left == deadline.part(0.1).seconds_left == math.inf


def test_nothing_is_over_at_once(clock):
    assert Deadline.after(0).is_over
    assert Deadline.after(0).limit(at_least=1.0) == 1e-6  # for those that refuse 0


@pytest.mark.parametrize("wrong", [-1.0, "a", math.nan, -math.inf, True, [1.0]])
def test_other_limits_are_refused(wrong):
    with pytest.raises(ValueError, match="max_seconds must be a finite number >= 0"):
        as_limit(wrong)


def test_zero_is_refused_where_nothing_can_be_done_in_no_time():
    with pytest.raises(ValueError, match="max_seconds must be a finite number > 0; got 0"):
        Deadline.after(0, positive=True)


# Stopwatches of reports, which limit nothing.
WATCHES = {"tables/fitting.py", "cli/commands.py"}


def test_nothing_else_reads_the_clock():
    source = Path(cvxnn.__file__).parent
    readers = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*.py")
        if re.search(r"\b(perf_counter|monotonic|time\.time)\(", path.read_text(encoding="utf-8"))
    }
    assert readers == {"deadlines.py", *WATCHES}
