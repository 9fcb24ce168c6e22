"""The status line shows on a terminal and nowhere else."""

import pytest
from rich.console import Console

from cvxnn import TrainingRecord, status_line

RECORD = TrainingRecord(round=3, seconds=1.5, objective=2.5, lower_bound=1.25, neurons=7, violation=0.01)


@pytest.mark.parametrize("verbose", [0, 1])
def test_nothing_is_shown_where_there_is_no_terminal(verbose, capsys):
    with status_line.StatusLine(verbose) as line:
        line.show(RECORD.in_words())
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_a_terminal_shows_round_objective_bound_and_neurons(monkeypatch):
    import io

    screen = io.StringIO()
    monkeypatch.setattr(
        status_line, "Console", lambda **_: Console(file=screen, force_terminal=True, width=120, stderr=False)
    )
    with status_line.StatusLine(1) as line:
        line.show(RECORD.in_words())
    text = screen.getvalue()
    for part in ("round 3", "objective 2.5", "lower bound 1.25", "neurons 7"):
        assert part in text
