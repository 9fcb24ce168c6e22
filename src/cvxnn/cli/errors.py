"""What the shell sees when something cannot be done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer


@contextmanager
def errors_on_one_line() -> Iterator[None]:
    """Turn what bad input raises into one line ``error: ...`` on standard error and exit status 1."""
    try:
        yield
    except BrokenPipeError:
        raise  # the reader has what it wanted, as in `cvxnn predict ... | head`: typer ends quietly
    except (ValueError, OSError, ImportError, MemoryError) as error:
        text = " ".join(str(error).split()) or type(error).__name__
        typer.echo(f"error: {text}", err=True)
        raise typer.Exit(1) from None


def warn(text: str) -> None:
    """Write a line ``warning: ...`` to standard error."""
    typer.echo(f"warning: {text}", err=True)
