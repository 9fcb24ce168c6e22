"""Seeds as NumPy and as scikit-learn take them, all accepted."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_random_state


def as_random_state(random_state: Any) -> np.random.RandomState:
    """Return a source of random numbers; a Generator's stream is drawn on, not copied.

    Parameters
    ----------
    random_state : int, Generator, RandomState or None
        Seed.

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
    if isinstance(random_state, np.random.Generator):
        return np.random.RandomState(random_state.bit_generator)
    try:
        source: np.random.RandomState = check_random_state(random_state)
    except ValueError:
        raise ValueError(
            f"random_state must be an int, a Generator, a RandomState or None; got {random_state!r}"
        ) from None
    return source
