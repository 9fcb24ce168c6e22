"""What the training problem of a table is made of, and how it is known again."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from cvxnn.problem import Problem
from cvxnn.tables.columns.frames import is_text, missing_in, require_columns
from cvxnn.tables.columns.number_words import numbers_of, spoilt_numbers
from cvxnn.validation import Array


def target_of(table: pd.DataFrame, target: str) -> Array:
    """Return the target's numbers, shape (n,).

    Raises
    ------
    ValueError
        If the column is not there, is text or booleans, or has missing or infinite values.
    """
    require_columns(table, [target])
    column = table[target]
    if is_text(column):
        spoilt = spoilt_numbers(column)
        if spoilt is not None:
            raise ValueError(f"target {target!r} must be a column of numbers: {spoilt.in_words}")
        raise ValueError(
            f"target {target!r} must be a column of numbers; it holds categories, and classification is not "
            "supported"
        )
    missing = int(missing_in(column).sum())
    if missing:
        raise ValueError(
            f"target {target!r} must have no missing values; found {missing}: leave those rows out"
        )
    return numbers_of(column)


def fingerprint_of(problem: Problem) -> str:
    """Return the SHA-256 of a problem's data, loss and weight decay."""
    settings = (problem.loss.name, problem.beta, problem.output_offset, problem.X.shape)
    digest = hashlib.sha256(repr(settings).encode())
    for array in (problem.X, problem.y):
        # -0.0 and 0.0 are one number with two bit patterns
        digest.update(np.ascontiguousarray(array + 0.0).tobytes())
    return digest.hexdigest()
