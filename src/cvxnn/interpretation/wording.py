"""Numbers and tables as people write them: few digits, no exponent where none is needed, columns aligned."""

from __future__ import annotations

import math
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


_PLAIN = range(-4, 7)  # decimal exponents that are written out


def number_text(value: float, digits: int = 3, *, signed: bool = False) -> str:
    """Return a number to some significant digits, those before the decimal point always whole.

    Parameters
    ----------
    value : float
        A finite number.
    digits : int, default 3
        Significant digits; >= 1.
    signed : bool, default False
        Whether to write the sign of positive numbers too.

    Examples
    --------
    >>> number_text(0.031416), number_text(1234.5, signed=True), number_text(6.02e23)
    ('0.0314', '+1234', '6.02e+23')
    """
    if value == 0:
        return "0"
    sign = "+" if signed else ""
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])  # after rounding: 9.996 is 10.0
    if exponent in _PLAIN:
        return f"{value:{sign}.{max(digits - 1 - exponent, 0)}f}"
    return f"{value:{sign}.{digits - 1}e}"


def number_text_to(value: float, resolution: float, *, signed: bool = False) -> str:
    """Return a number to the decimal at or below a resolution > 0; "0" where it is smaller than that.

    Examples
    --------
    >>> number_text_to(2010.5321, 0.05), number_text_to(0.004, 0.05), number_text_to(-1234.5, 70.0)
    ('2010.53', '0', '-1234')
    """
    step = math.floor(math.log10(resolution))
    if abs(value) < 0.5 * 10.0**step:
        return "0"
    digits = math.floor(math.log10(abs(value))) - step + 1
    return number_text(value, max(1, digits), signed=signed)


def percent_text(share: float) -> str:
    """Return a share in [0, 1] as whole percents; shares that are not 0 never read as 0%.

    Examples
    --------
    >>> percent_text(0.314), percent_text(0.001), percent_text(0.0)
    ('31%', '<1%', '0%')
    """
    return "<1%" if 0 < share < 0.005 else f"{100 * share:.0f}%"
