"""Two enumerations of statuses: sentences, with the members of all that they stand for, under the old names too."""

import importlib

import pytest

from cvxnn.names.old import OldNames
from cvxnn.statuses import SolveStatus, TrajectoryStatus

OLD = {
    (
        "cvxnn",
        "TrainingStatus",
    ): "NO_VIOLATION MAX_SECONDS INTERRUPTED EMPTY SMOOTHED STALLED",
    ("cvxnn.training", "TrainingStatus"): "PROVEN NO_VIOLATION MAX_ROUNDS MAX_SECONDS INTERRUPTED STOPPED",
    (
        "cvxnn.function_spaces",
        "RoundsStatus",
    ): "PROVEN NO_DESCENT ROUNDING MAX_ROUNDS MAX_SECONDS INTERRUPTED",
    (
        "cvxnn.function_spaces",
        "ConditionalGradientStatus",
    ): "PROVEN NO_DESCENT ROUNDING MAX_STEPS MAX_SECONDS",
    ("cvxnn.landscape", "KinkDescentStatus"): "STATIONARY MAX_ROUNDS STALLED",
    ("cvxnn.dynamics", "FlowStatus"): "REACHED STOPPED CLOCK TIME_LIMIT INTERRUPTED",
}


@pytest.mark.parametrize("status", [*SolveStatus, *TrajectoryStatus], ids=lambda status: str(status))
def test_every_status_is_a_sentence(status):
    assert status.value[0].isupper()
    assert status.value.endswith(".")
    assert len(status.value) > 20


def test_limits_and_interrupts_begin_alike():
    for kind in (SolveStatus, TrajectoryStatus):
        assert kind.MAX_SECONDS.value.startswith("Stopped at max_seconds")
        assert "raise max_seconds" in kind.MAX_SECONDS.value
        assert kind.INTERRUPTED.value.startswith("Interrupted: ")


@pytest.mark.parametrize(("home", "name"), OLD)
def test_old_enumerations_are_the_new_ones_with_their_members(home, name):
    module = importlib.import_module(home)
    with pytest.warns(DeprecationWarning, match=f"{name} is now called"):
        old = getattr(module, name)
    assert old is (TrajectoryStatus if home == "cvxnn.dynamics" else SolveStatus)
    assert all(member in old.__members__ for member in OLD[home, name].split())
    assert isinstance(vars(module)["__getattr__"], OldNames)


def test_files_of_old_name_the_time_limit_by_its_old_name():
    assert TrajectoryStatus["TIME_LIMIT"] is TrajectoryStatus.MAX_SECONDS
