"""What a text file seems to be, where it is not what it is being read as, and which option reads it."""

from __future__ import annotations

import codecs
import csv
import os
import re
from collections.abc import Sequence

from cvxnn.tables.columns.spellings import is_number
from cvxnn.tables.dialects import Dialect, opened

_SAMPLE = 1 << 16  # bytes
_CANDIDATES = (";", "\t", "|", ",", " ")
_CALLED = {";": "semicolons", "\t": "tabs", "|": "bars", ",": "commas", " ": "blanks"}
_DECIMAL_COMMA = re.compile(r"\s*[+-]?\d*,\d+\s*", re.ASCII)


def sample_lines(path: str | os.PathLike[str], dialect: Dialect) -> list[str]:
    """Return the first lines of a file that hold something, comments left out.

    Raises
    ------
    ValueError
        If the file seems to be in another encoding.
    """
    with opened(path) as stream:
        raw = stream.read(_SAMPLE)
    if dialect.encoding is None:
        _require_no_wide_characters(raw)
    text = raw.decode(dialect.encoding or "utf-8-sig", errors="replace")
    lines = re.split(r"\r\n|\r|\n", text)
    if len(raw) == _SAMPLE:
        lines = _whole_records(lines)
    if dialect.comment:
        lines = [line.split(dialect.comment)[0] for line in lines]
    return [line for line in lines if line.strip()]


def require_plain(lines: Sequence[str], separator: str, dialect: Dialect) -> None:
    """Raise ``ValueError`` where lines seem to hold comments or to be separated by something else."""
    if dialect.comment is None:
        _require_no_comments(lines, separator)
    if dialect.separator is None:
        _require_separator(lines, separator, dialect)


def rows_of(lines: Sequence[str], separator: str) -> list[list[str]]:
    """Return the fields of each row, with quotes observed: a field between quotes may hold ends of lines."""
    if separator == " ":
        return [line.split() for line in lines]
    return list(csv.reader(lines, delimiter=separator))


def about_bytes(path: str | os.PathLike[str], encoding: str | None) -> str:
    """Return what seems to be the matter with a file that could not be decoded."""
    decoder = codecs.getincrementaldecoder(encoding or "utf-8")()
    with opened(path) as stream:
        for number, line in enumerate(stream, start=1):
            try:
                decoder.decode(line)
            except UnicodeError:
                return _about_line(line, number, encoding)
    return f"it is not in {encoding or 'UTF-8'}"


def about_fields(lines: Sequence[str], separator: str) -> str:
    """Return what may be the matter with a file whose rows have more fields than its header; perhaps nothing."""
    header, *rows = rows_of(lines, separator)
    if not rows or min(map(len, rows)) <= len(header):
        return ""
    if max(map(len, rows)) == len(header) + 1 and all(row[0] for row in rows) and _first_are_labels(rows):
        return (
            "; its header seems to lack a name for a leading column of row numbers or names: write one, such as "
            "'row', before the first name"
        )
    if separator == "," and all(is_number(field) for field in rows[0]):
        return (
            "; if its numbers have decimal commas, they cannot be told from the commas between columns: save it "
            "with another separator, and read that with --separator ';' --decimal ','"
        )
    return ""


def end_in_separators(lines: Sequence[str], separator: str) -> bool:
    """Return whether each row ends in a separator, which makes it one empty field longer than the header."""
    if separator == " " or len(lines) < 2:
        return False
    header, *rows = rows_of(lines, separator)
    return all(len(row) == len(header) + 1 and not row[-1].strip() for row in rows)


def _whole_records(lines: list[str]) -> list[str]:
    """Return lines without the last, which may be cut off, and without what it continues between quotes."""
    kept = lines[:-1]
    while len(kept) > len(lines) // 2 and sum(line.count('"') for line in kept) % 2:
        kept.pop()
    return kept or lines


def _first_are_labels(rows: Sequence[Sequence[str]]) -> bool:
    first = [row[0] for row in rows]
    if len(set(first)) < len(first):
        return False
    numbers = [int(label) for label in first if label.isascii() and label.isdigit()]
    counted = len(numbers) == len(first) and [number - numbers[0] for number in numbers] == list(
        range(len(first))
    )
    return counted or not any(is_number(label) for label in first)


def _require_no_wide_characters(raw: bytes) -> None:
    for mark, name in ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32")):
        if raw.startswith(mark):
            raise ValueError(_encoded_as(name))
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        # A UTF-16 file has its marks, line ends and separators as two bytes, one of them 0.
        if b"\x00" in raw:
            raise ValueError(_encoded_as("utf-16"))
        return
    zeros = [raw[k::2].count(0) for k in (0, 1)]
    if max(zeros) > 0.2 * len(raw) and min(zeros) == 0:
        raise ValueError(_encoded_as("utf-16-le" if zeros[1] else "utf-16-be"))


def _encoded_as(name: str) -> str:
    return f"it seems to be in {name.upper()}: read it with encoding={name!r} (--encoding {name})"


def _about_line(line: bytes, number: int, encoding: str | None) -> str:
    if encoding is not None:
        return f"line {number} is not in {encoding}: leave encoding (--encoding) out or name another one"
    word = line.decode("cp1252", errors="replace").strip()
    strange = next((k for k, letter in enumerate(word) if not letter.isascii()), 0)
    seen = word[max(0, strange - 10) : strange + 10]
    return (
        f"line {number} is not in UTF-8; in cp1252 it reads {seen!r}: if that is right, read it with "
        "encoding='cp1252' (--encoding cp1252)"
    )


def _require_no_comments(lines: Sequence[str], separator: str) -> None:
    rows = rows_of(lines, separator)
    marked = [row for row in rows if row and row[0].lstrip().startswith("#")]
    plain = [row for row in rows if row and not row[0].lstrip().startswith("#")]
    if not marked or len(plain) < 2 or len(marked) > max(len(plain), 3):
        return
    if len(marked) == 1 and marked[0] is rows[0] and _is_header(rows):
        return
    header, *data = plain
    numbers = sum(is_number(row[0]) for row in data)
    if numbers < 0.5 * len(data) and all(len(row) == len(header) for row in marked):
        return  # values such as the colour #ff0000
    raise ValueError(
        f"it seems to hold comments, such as {separator.join(marked[0]).strip()[:40]!r}: read it with comment='#' "
        "(--comment '#'), or with comment='' (--comment '') if it holds none"
    )


def _is_header(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether a first line that begins with # names the columns, as ``numpy.savetxt`` writes it."""
    return len(rows[0]) == len(rows[1]) and any(is_number(field) for field in rows[1])


def _require_separator(lines: Sequence[str], separator: str, dialect: Dialect) -> None:
    widths = _widths(lines, separator)
    if not lines or (widths[0] > 1 and max(widths) == min(widths)):
        return
    for candidate in _CANDIDATES:
        found = _widths(lines, candidate)
        if (
            candidate == separator
            or found[0] < 2
            or max(found) != min(found)
            or (widths[0] > 1 and len(lines) < 2)
        ):
            continue
        if candidate == " " and not any(is_number(field) for field in lines[-1].split()):
            continue  # words of a text
        options = [f"separator={candidate!r}"]
        flags = [f"--separator {'tab' if candidate == chr(9) else repr(candidate)}"]
        commas = ""
        if candidate != "," and dialect.decimal != "," and _has_decimal_commas(lines, candidate):
            options, flags = [*options, "decimal=','"], [*flags, "--decimal ','"]
            commas = ", with decimal commas"
        raise ValueError(
            f"it seems to be separated by {_CALLED[candidate]}{commas}: read it with {', '.join(options)} "
            f"({' '.join(flags)})"
        )


def _widths(lines: Sequence[str], separator: str) -> list[int]:
    return [len(row) for row in rows_of(lines, separator)]


def _has_decimal_commas(lines: Sequence[str], separator: str) -> bool:
    fields = [field for row in rows_of(lines, separator)[1:] for field in row]
    return any(_DECIMAL_COMMA.fullmatch(field) for field in fields) and not any(
        is_number(field) and "." in field for field in fields
    )
