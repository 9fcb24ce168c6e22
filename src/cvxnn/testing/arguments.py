"""Laws of arguments that many public functions share: whoever takes one takes it as all others do."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any
from unittest import mock

import numpy as np

from cvxnn.testing.requirements import require
from cvxnn.threads import blas

_PACKAGE = Path(blas.__file__).parents[1]
_NAMES = _PACKAGE / "names"
_BAD_SEEDS = ("seed", -1, 1.5)
_UNDERSCORED = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")
_BAD_LIMITS = ("soon", -1.0, float("nan"))


def public_functions(parameter: str) -> dict[str, Callable[..., Any]]:
    """Return all public functions, classes and methods of the package that take a parameter, by name.

    Parameters
    ----------
    parameter : str
        Such as ``"random_state"``.

    Examples
    --------
    >>> "cvxnn.train" in public_functions("random_state")
    True
    """
    found: dict[int, tuple[str, Callable[..., Any]]] = {}
    for module in _public_modules():
        for name, value in _callables(module):
            if parameter in _parameters(value):
                # The first name is the one of the smallest room: `cvxnn` comes before them all.
                found.setdefault(id(inspect.unwrap(getattr(value, "__func__", value))), (name, value))
    return dict(sorted(found.values()))


def _public_modules() -> Iterator[ModuleType]:
    """Yield the package, its rooms, and the modules that these export."""
    # By name: the laws stand below rooms that they run over.
    package = importlib.import_module("cvxnn")
    yield package
    for _, name, _ in sorted(pkgutil.iter_modules(package.__path__, "cvxnn."), key=lambda found: found.name):
        room = importlib.import_module(name)
        if hasattr(room, "__all__"):
            yield room
            yield from (value for value in _exports(room).values() if inspect.ismodule(value))


def _exports(module: ModuleType) -> dict[str, Any]:
    """Return what a room exports, or the public definitions of a module that is exported whole."""
    if hasattr(module, "__all__"):
        return {name: getattr(module, name) for name in module.__all__}
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    }


def _callables(module: ModuleType) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield functions, classes that can be called, and their public methods, with their names."""
    for name, value in _exports(module).items():
        if not inspect.ismodule(value) and callable(value) and not inspect.isabstract(value):
            yield f"{module.__name__}.{name}", value
        if inspect.isclass(value):
            for method, _ in inspect.getmembers(value, callable):
                if not method.startswith("_"):
                    yield f"{module.__name__}.{name}.{method}", getattr(value, method)


def _parameters(value: Callable[..., Any]) -> frozenset[str]:
    """Return the names of a callable's parameters; none where it has no signature to read."""
    try:
        return frozenset(inspect.signature(value).parameters)
    except (TypeError, ValueError):
        return frozenset()


def check_takes_seeds(call: Callable[[Any], Any]) -> None:
    """Check that ``random_state`` may be an integer, a Generator, a RandomState or None, and nothing else.

    Parameters
    ----------
    call : callable
        Takes the seed and does something small with it.

    Raises
    ------
    AssertionError
        If a seed is refused, or something else is not refused with its name.
    """
    for seed in (0, np.int64(1), np.random.default_rng(0), np.random.RandomState(0), None):
        error = _error(call, seed)
        require(error is None, f"random_state={seed!r} must be taken; it is refused: {error}")
    for wrong in _BAD_SEEDS:
        _require_refusal(call, wrong, "random_state")


def _error(call: Callable[[Any], Any], value: Any) -> Exception | None:
    """Return what a call raises of its arguments."""
    try:
        call(value)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        return error
    return None


def _require_refusal(call: Callable[[Any], Any], value: Any, parameter: str) -> None:
    """Require a ``ValueError`` that names the parameter."""
    error = _error(call, value)
    require(isinstance(error, ValueError), f"{parameter}={value!r} must be a ValueError; got {error!r}")
    require(parameter in str(error), f"the refusal of {value!r} must name {parameter}; got {str(error)!r}")


def check_takes_limits(call: Callable[[Any], Any]) -> None:
    """Check that ``max_seconds`` may be a number of seconds or None, for no limit, and nothing else.

    Parameters
    ----------
    call : callable
        Takes the limit and does something small with it.

    Raises
    ------
    AssertionError
        If a limit is refused, or something else is not refused with its name.
    """
    for limit in (0.5, 30, None):
        error = _error(call, limit)
        require(error is None, f"max_seconds={limit!r} must be taken; it is refused: {error}")
    for wrong in _BAD_LIMITS:
        _require_refusal(call, wrong, "max_seconds")


def check_advice(function: Callable[..., Any], call: Callable[[], Any]) -> None:
    """Check that a refusal gives no advice that the function's user cannot take.

    Words with an underscore in the message are arguments of the function, or public functions to call instead.

    Parameters
    ----------
    function : callable
        The public function, class or method.
    call : callable
        Calls it with what it refuses.

    Raises
    ------
    AssertionError
        If it is not refused with a ``ValueError``, or a word is neither.
    """
    error = _error(lambda _: call(), None)
    require(isinstance(error, ValueError), f"the call must be refused with a ValueError; got {error!r}")
    names = {name.rpartition(".")[2] for module in _public_modules() for name, _ in _callables(module)}
    strange = set(_UNDERSCORED.findall(str(error))) - _parameters(function) - names
    require(not strange, f"a refusal must name arguments of its function alone; {strange} in {str(error)!r}")


class _Entries:
    """Stands in for the context of one BLAS thread, and notes which file entered it."""

    def __init__(self) -> None:
        self.files: list[Path] = []

    def __enter__(self) -> int:
        # This method, the decorated function's wrapper, and whoever called that, perhaps for an old name of it.
        caller: FrameType | None = sys._getframe(2)
        while caller is not None and _NAMES in Path(caller.f_code.co_filename).parents:
            caller = caller.f_back
        assert caller is not None
        self.files.append(Path(caller.f_code.co_filename))
        return 1

    def __exit__(self, *error: object) -> None:
        """Leave."""


def check_on_one_blas_thread(call: Callable[[], Any]) -> None:
    """Check that what is called keeps BLAS on one thread itself, and does not leave it to what it calls.

    Parameters
    ----------
    call : callable
        Calls a public function or method decorated with `cvxnn.threads.blas.on_one_blas_thread`.

    Raises
    ------
    AssertionError
        If nobody enters the context, or a file of the package does so first.
    """
    entries = _Entries()
    with mock.patch.object(blas, "single_threaded_blas", entries):
        call()
    require(len(entries.files) > 0, "BLAS must be kept on one thread; nobody asks for it")
    require(
        _PACKAGE not in entries.files[0].parents,
        f"BLAS must be kept on one thread from the first; it is asked for in {entries.files[0].name}",
    )
