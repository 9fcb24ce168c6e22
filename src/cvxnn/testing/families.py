"""Discovery of the members of a family, so that a law runs over all of them and a new one is tested unasked."""

from __future__ import annotations

from inspect import isabstract
from typing import TypeVar

Family = TypeVar("Family")


def members(family: type[Family]) -> list[type[Family]]:
    """Return the concrete classes of a family that this package defines, by name.

    Parameters
    ----------
    family : type
        An abstract class, such as `Loss`, `ConvexProgram` or `Solver`. Its modules must have been imported.

    Examples
    --------
    >>> from cvxnn.losses import Loss
    >>> "SquaredLoss" in [loss.__name__ for loss in members(Loss)]
    True
    """
    found: dict[str, type[Family]] = {}
    pending = [family]
    while pending:
        for child in pending.pop().__subclasses__():
            pending.append(child)
            if child.__module__.startswith("cvxnn.") and not isabstract(child):
                found[f"{child.__module__}.{child.__qualname__}"] = child
    return [found[name] for name in sorted(found)]
