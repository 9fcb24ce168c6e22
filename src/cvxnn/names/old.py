"""Old public names: for one release they still work, and say what to write instead."""

from __future__ import annotations

import functools
import importlib
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class OldNames:
    """A module's ``__getattr__`` for names that have become others.

    Parameters
    ----------
    module : str
        Name of the module that the names were imported from.
    names : mapping of str to str
        The new name for each old one: of the same module, or with its module's name before it and a dot between.
    otherwise : callable, optional
        What the module answered for other names before.
    """

    module: str
    names: Mapping[str, str]
    otherwise: Callable[[str], Any] | None = None

    def __call__(self, name: str) -> Any:
        """Return what the old name means today, with a `DeprecationWarning`.

        Raises
        ------
        AttributeError
            If the name is neither old nor new.
        """
        if name not in self.names:
            if self.otherwise is not None:
                return self.otherwise(name)
            raise AttributeError(f"module {self.module!r} has no attribute {name!r}")
        warnings.warn(
            f"{self.module}.{name} is now called {self.names[name]}; the old name goes with the next release",
            DeprecationWarning,
            stacklevel=2,
        )
        return self.meaning(name)

    def meaning(self, name: str) -> Any:
        """Return what the old name means today, in silence."""
        module, _, attribute = self.names[name].rpartition(".")
        return getattr(importlib.import_module(module or self.module), attribute)


def keep_old_names(module: str, names: Mapping[str, str]) -> None:
    """Let a module answer for the old names of what it exports; type checkers see the new names only.

    Parameters
    ----------
    module : str
        The module's ``__name__``.
    names : mapping of str to str
        The new name for each old one, as for `OldNames`.

    Examples
    --------
    At the end of a room's ``__init__.py``::

        keep_old_names(__name__, {"NetworkPath": "Connection", "as_seed": "cvxnn.seeds.as_generator"})
    """
    attributes = vars(sys.modules[module])
    attributes["__getattr__"] = OldNames(module, names, attributes.get("__getattr__"))


def keep_old_arguments(**names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function take the old names of its keyword arguments, with a `DeprecationWarning`.

    Parameters
    ----------
    **names : str
        The new name for each old one.

    Examples
    --------
    >>> @keep_old_arguments(ratio_min="ratio")
    ... def grid(n, ratio=0.1):
    ...     return ratio**n
    >>> grid(2, ratio=0.5)
    0.25
    >>> with warnings.catch_warnings(record=True) as told:
    ...     warnings.simplefilter("always")
    ...     grid(2, ratio_min=0.5)
    0.25
    >>> print(told[0].message)
    grid: the argument ratio_min is now called ratio; the old name goes with the next release
    """

    def keeping(function: Callable[P, R]) -> Callable[P, R]:
        name = function.__qualname__.removesuffix(".__init__")

        @functools.wraps(function)
        def called(*args: P.args, **kwargs: P.kwargs) -> R:
            for old in names.keys() & kwargs.keys():
                new = names[old]
                if new in kwargs:
                    raise TypeError(f"{name}: {old} is the old name of {new}; pass {new} alone")
                warnings.warn(
                    f"{name}: the argument {old} is now called {new}; "
                    "the old name goes with the next release",
                    DeprecationWarning,
                    stacklevel=2,
                )
                kwargs[new] = kwargs.pop(old)
            return function(*args, **kwargs)

        return called

    return keeping
