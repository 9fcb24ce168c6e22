"""Public names that are imported when they are first asked for, so that what does not need them starts at once."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any


def export_lazily(
    module: str, homes: Mapping[str, Sequence[str]], made: Mapping[str, Callable[[], Any]] | None = None
) -> None:
    """Let a package import its public names, and its modules, when they are first asked for (PEP 562).

    For type checkers the package imports the same names under ``TYPE_CHECKING``.

    Parameters
    ----------
    module : str
        The package's ``__name__``.
    homes : mapping of str to sequence of str
        For each module the names that the package exports from it.
    made : mapping of str to callable, optional
        What makes the names that are not imported from anywhere.

    Examples
    --------
    At the end of a package's ``__init__.py``::

        export_lazily(__name__, {"cvxnn.losses": ("Loss", "SquaredLoss")})
    """
    places = {name: home for home, names in homes.items() for name in names}
    attributes = vars(sys.modules[module])

    def get(name: str) -> Any:
        if name in places:
            value = getattr(importlib.import_module(places[name]), name)
        elif made is not None and name in made:
            value = made[name]()
        elif not name.startswith("_") and find_spec(f"{module}.{name}") is not None:
            return importlib.import_module(f"{module}.{name}")  # which sets the attribute
        else:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        attributes[name] = value
        return value

    attributes["__getattr__"] = get
    attributes["__dir__"] = lambda: sorted({*attributes, *places, *(made or ())})
