"""Seeds of every kind that NumPy and scikit-learn know, taken wherever something is random."""

from __future__ import annotations

from numbers import Integral
from typing import TypeAlias

import numpy as np

Seed: TypeAlias = int | np.integer | np.random.Generator | np.random.RandomState | None

_LEGACY = 2**32  # seeds below it are RandomState's own
_DRAWN = 2**31  # of a seed that a stream yields


def as_generator(random_state: Seed) -> np.random.Generator:
    """Return a generator of random numbers.

    Parameters
    ----------
    random_state : int, Generator, RandomState or None
        An integer >= 0 gives ``numpy.random.default_rng`` of it, the same numbers each time. A Generator is returned as
        it is, so that its stream goes on. A RandomState yields the seed; None takes the seed from NumPy's global
        state, which ``numpy.random.seed`` sets, as in scikit-learn.

    Raises
    ------
    ValueError
        If it is none of these.

    Examples
    --------
    >>> int(as_generator(3).integers(100)) == int(np.random.default_rng(3).integers(100))
    True
    >>> source = np.random.RandomState(0)
    >>> as_generator(source).uniform() == as_generator(source).uniform()
    False
    """
    if isinstance(random_state, np.random.Generator):
        return random_state
    return np.random.default_rng(as_seed(random_state))


def as_random_state(random_state: Seed) -> np.random.RandomState:
    """Return a source of scikit-learn's kind, for what draws as scikit-learn does.

    Parameters
    ----------
    random_state : int, Generator, RandomState or None
        An integer >= 0 gives the same numbers each time, those of ``numpy.random.RandomState`` where this takes it. A
        RandomState is returned as it is, a Generator's stream is drawn on, None is NumPy's global state.

    Raises
    ------
    ValueError
        If it is none of these.

    Examples
    --------
    >>> as_random_state(3).randint(100) == np.random.RandomState(3).randint(100)
    True
    >>> source = np.random.default_rng(0)
    >>> as_random_state(source).randint(10**9) == as_random_state(source).randint(10**9)
    False
    """
    require_seed(random_state)
    if random_state is None:
        return np.random.mtrand._rand
    if isinstance(random_state, np.random.RandomState):
        return random_state
    if isinstance(random_state, np.random.Generator):
        return np.random.RandomState(random_state.bit_generator)
    seed = int(random_state)
    return np.random.RandomState(seed if seed < _LEGACY else np.random.MT19937(seed))


def as_seed(random_state: Seed) -> int:
    """Return an integer seed: an integer >= 0 itself, the next number of any other source.

    For what needs several streams of one seed, or the same stream again.

    Parameters
    ----------
    random_state : int, Generator, RandomState or None
        As for `as_generator`.

    Raises
    ------
    ValueError
        If it is none of these.

    Examples
    --------
    >>> as_seed(3), as_seed(np.random.default_rng(0)) == as_seed(np.random.default_rng(0))
    (3, True)
    """
    if isinstance(random_state, Integral):
        require_seed(random_state)
        return int(random_state)
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(_DRAWN))
    return int(as_random_state(random_state).randint(_DRAWN))


def require_seed(random_state: Seed) -> None:
    """Raise ``ValueError`` unless this is a seed; nothing is drawn."""
    if isinstance(random_state, Integral) and not isinstance(random_state, bool) and random_state >= 0:
        return
    if random_state is None or isinstance(random_state, np.random.Generator | np.random.RandomState):
        return
    raise ValueError(
        f"random_state must be an integer >= 0, a Generator, a RandomState or None; got {random_state!r}"
    )
