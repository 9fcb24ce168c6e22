"""A live line on a terminal during long fits, and nothing anywhere else."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.status import Status


class StatusLine:
    """Shows one line of text on standard error; silent when that is not a terminal.

    Parameters
    ----------
    verbose : int
        0 shows nothing.
    """

    def __init__(self, verbose: int) -> None:
        console = Console(stderr=True)
        self._status: Status | None = None
        if verbose > 0 and console.is_terminal:
            self._status = console.status("starting")

    def __enter__(self) -> StatusLine:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def show(self, text: str) -> None:
        """Show a text in place of the one before."""
        if self._status is not None:
            self._status.update(text)
