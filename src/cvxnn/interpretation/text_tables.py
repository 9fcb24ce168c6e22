"""Tables as text, columns aligned."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def aligned(rows: Sequence[Sequence[str]], right: Collection[str] = ()) -> list[str]:
    r"""Return the lines of a table.

    Parameters
    ----------
    rows : sequence of sequence of str
        The header, then the rows.
    right : collection of str, default ()
        Headers of the columns that are aligned on the right, such as numbers.

    Examples
    --------
    >>> print(*aligned([["name", "age"], ["Ada", "7"], ["Grace", "36"]], right=["age"]), sep="\n")
    name   age
    Ada      7
    Grace   36
    """
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    to_the_right = [name in right for name in rows[0]]

    def line(row: Sequence[str]) -> str:
        cells = zip(row, widths, to_the_right, strict=True)
        return "  ".join(text.rjust(width) if last else text.ljust(width) for text, width, last in cells)

    return [line(row).rstrip() for row in rows]
