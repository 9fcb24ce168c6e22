"""Values as they print: the name of the class and what its fields are, in at most a few lines at any size."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")

#: A repr has fewer characters than this, however many samples, features or neurons its value holds.
LIMIT = 300
# Characters of one field that is shown as it is, and numbers of an array that are.
_FIELD = 72
_NUMBERS = 4


def short_repr(cls: type[T]) -> type[T]:
    """Give a dataclass a repr below `LIMIT` characters: arrays by their shape, long collections by their length.

    Fields whose own repr is short are shown as a dataclass shows them; where all of them are too many, the last are
    left out and dots say so.

    Parameters
    ----------
    cls : type
        A dataclass. Put the decorator above ``@dataclass``.

    Returns
    -------
    type
        The same class.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @short_repr
    ... @dataclass(frozen=True, eq=False)
    ... class Sample:
    ...     X: np.ndarray
    ...     weight: float
    >>> Sample(np.zeros((1000, 3)), 0.5)
    Sample(X=<1000 x 3>, weight=0.5)
    """
    cls.__repr__ = _repr  # type: ignore[method-assign]
    return cls


def _repr(value: Any) -> str:
    """Return ``Name(field=..., ...)``, cut where it would be too long."""
    name = type(value).__qualname__
    shown = [f"{field.name}={_short(getattr(value, field.name))}" for field in fields(value) if field.repr]
    text = f"{name}({', '.join(shown)})"
    while len(text) >= LIMIT and shown:
        shown.pop()
        text = f"{name}({', '.join([*shown, '...'])})"
    return text


def _short(value: Any) -> str:
    """Return the repr of a field, or what kind of thing it is where that is long."""
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, Mapping) or (isinstance(value, Collection) and not isinstance(value, str | bytes)):
        return _collection(value)
    if isinstance(value, Enum):
        return f"{type(value).__qualname__}.{value.name}"
    if isinstance(value, str | bytes):
        return repr(value) if len(value) <= _FIELD else f"{value[: _FIELD - 3]!r}..."
    if is_dataclass(value) or not _is_plain(value):
        text = repr(value)
        brief = len(text) <= _FIELD and "\n" not in text and " at 0x" not in text
        return text if brief else f"<{type(value).__qualname__}>"
    return repr(value)


def _is_plain(value: Any) -> bool:
    """Say whether a value is a number, a truth value or None."""
    return value is None or isinstance(value, bool | int | float | complex | np.generic)


def _array(value: np.ndarray[Any, Any]) -> str:
    """Return the numbers of a small array of at most one dimension, the shape of any other."""
    if value.ndim <= 1 and value.size <= _NUMBERS:
        return repr(value)
    return f"<{' x '.join(map(str, value.shape))}>"


def _collection(value: Collection[Any]) -> str:
    """Return a short collection as it is, a long one by its length."""
    if len(value) <= _NUMBERS and all(_is_plain(item) or isinstance(item, str) for item in value):
        text = repr(value)
        if len(text) <= _FIELD:
            return text
    try:
        return f"<{type(value).__qualname__} of {len(value)}>"
    except TypeError:
        return f"<{type(value).__qualname__}>"
