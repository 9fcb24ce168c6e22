"""A live line of progress on a terminal, and nothing anywhere else."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.status import Status

from cvxnn.training.result import TrainingRecord


class Progress:
    """Shows the latest record on standard error while training runs; silent when that is not a terminal.

    Parameters
    ----------
    verbose : int
        0 shows nothing.
    """

    def __init__(self, verbose: int) -> None:
        console = Console(stderr=True)
        self._status: Status | None = None
        if verbose > 0 and console.is_terminal:
            self._status = console.status("descending")

    def __enter__(self) -> Progress:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def show(self, record: TrainingRecord) -> None:
        """Show a record."""
        if self._status is not None:
            violation = "" if record.violation is None else f"  violation {record.violation:.2g}"
            self._status.update(
                f"round {record.round}  {record.seconds:.1f} s  objective {record.objective:.6g}  "
                f"lower bound {record.lower_bound:.6g}  neurons {record.neurons}{violation}"
            )
