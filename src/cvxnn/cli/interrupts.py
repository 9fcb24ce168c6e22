"""Ctrl-C and SIGTERM: what was found so far is kept, and the exit status says which of them came."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

import typer

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """The interrupts that came, and whether they are put off.

    Each raises ``KeyboardInterrupt``, which training answers with the best network so far. While files are
    written the first is put off: it is too late to save time, and the files are what was waited for.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._put_off = False

    def put_off(self) -> None:
        """Let the next interrupt wait, since little is left to do."""
        self._put_off = True

    def exit_if_any(self) -> None:
        """Leave with status 130 after Ctrl-C, 143 after SIGTERM, as a program that they had ended."""
        if self.received is not None:
            raise typer.Exit(128 + self.received)

    def receive(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal."""
        self.received = self.received or number
        if not self._put_off:
            raise KeyboardInterrupt
        self._put_off = False


@contextmanager
def interruptible() -> Iterator[Interrupts]:
    """Take SIGTERM for Ctrl-C, and leave on either with the status of a program that it ended.

    Where there is nothing to write, ``error: interrupted`` on standard error says so.
    """
    interrupts = Interrupts()
    # What is ignored stays so, as under nohup and in the background of a script.
    taken = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    if threading.current_thread() is not threading.main_thread():
        taken = []  # signals come to the main thread alone
    before = {number: signal.signal(number, interrupts.receive) for number in taken}
    try:
        yield interrupts
    except KeyboardInterrupt:
        _leave(interrupts)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(interrupts: Interrupts) -> NoReturn:
    typer.echo("error: interrupted", err=True)
    raise typer.Exit(128 + (interrupts.received or signal.SIGINT)) from None
