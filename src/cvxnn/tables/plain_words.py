"""Say in plain words what was read, what is proved, and what is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Context

from cvxnn.certificates import Certificate
from cvxnn.tables.fitting import TableReport
from cvxnn.tables.table_model import TableModel

_ALL_NAMES = 20
_NAMES_SHOWN = 12  # of more than those
_LETTERS_SHOWN = 400


def proof_in_words(certificate: Certificate) -> str:
    """Return sentences that say what is proved about a network, and what a search only suggests.

    Parameters
    ----------
    certificate : Certificate
        Of scope "network".

    Examples
    --------
    >>> from cvxnn.certificates import make_certificate
    >>> bound = make_certificate(2.0, 1.999, tol=1e-3, method="exact sweep", scope="network")
    >>> print(proof_in_words(bound))
    Proven optimal to tol: no two-layer ReLU network of any width has an objective below 1.999 on these data,
    so at most 0.05 % of this one's objective could be gained (asked for: 0.1 %).
    """
    bound = (
        "no two-layer ReLU network of any width has an objective below "
        f"{_rounded(certificate.lower_bound, 6, ROUND_FLOOR)} on these data, so at most "
        f"{_percent(certificate.relative_gap)} of this one's objective could be gained (asked for: "
        f"{100 * certificate.tol:.3g} %)."
    )
    if certificate.proven:
        return f"Proven optimal to tol: {bound}"
    proof = f"Not proven optimal. Proven is only this: {bound}"
    if certificate.lower_bound == 0:
        proof = "Not proven optimal: no lower bound above 0 was found."
    return f"{proof} {_search_in_words(certificate)}".rstrip()


def _search_in_words(certificate: Certificate) -> str:
    violation = certificate.search_violation
    if violation is None:
        return ""
    if violation <= certificate.tol:
        return (
            "A search found no neuron whose addition would help to tol: the optimality condition is violated "
            f"by at most {max(violation, 0.0):.2g} wherever it looked. That suggests an optimum; it is a "
            "search, not a proof."
        )
    return (
        "A search found a neuron whose addition would help: it violates the optimality condition by "
        f"{violation:.2g}, so the network is not an optimum."
    )


def _percent(share: float) -> str:
    return f"{_rounded(100 * share, 3, ROUND_CEILING)} %"


def _rounded(value: float, digits: int, rounding: str) -> str:
    """Return a number to some digits, rounded to the side on which what is said about it stays true."""
    return f"{float(Context(prec=digits, rounding=rounding).create_decimal(value)):g}"


def data_in_words(model: TableModel, report: TableReport) -> list[tuple[str, str]]:
    """Return what was read and what was done to the columns, as pairs of a notion and its value."""
    numeric, one_hot = columns_in_words(model)
    n_test = 0 if report.y_test is None else len(report.y_test)
    pairs = [
        ("rows", f"{model.n_table_rows}: {len(report.y_train)} for training, {n_test} for testing"),
        ("target", model.target),
        ("numeric columns", numeric),
        ("one-hot columns", one_hot),
        ("a category for nearly every row", names_in_words(report.nearly_unique)),
        ("constant, left out", names_in_words(report.constant)),
        ("row numbers, left out", names_in_words(report.row_numbers)),
        ("dropped", names_in_words(report.dropped)),
        ("missing values filled in the training rows", _counts(report.imputed)),
        ("test values of unknown category", _counts(report.unknown)),
    ]
    return [(notion, value) for notion, value in pairs if value]


def columns_in_words(model: TableModel) -> tuple[str, str]:
    """Return a model's columns of numbers, and those of categories with how many there are; the first of many."""
    one_hot = [f"{name} ({count} categories)" for name, count in model.one_hot.items()]
    return names_in_words(model.numeric), names_in_words(one_hot)


def ramps_in_words(model: TableModel) -> str:
    """Return how many ramps a model has put beside how many of its columns of numbers; nothing without knots."""
    if model.encoder is None:
        return ""
    counts = [len(ends) - 1 for ends in model.encoder.knots_ if len(ends)]
    columns = f"{len(counts)} column" + ("" if len(counts) == 1 else "s")
    return f"{sum(counts)}, of {columns} (knots asked for: {model.encoder.knots})"


def names_in_words(names: Sequence[str]) -> str:
    """Return names with commas between them: all of a few, the first of many and how many more there are.

    Examples
    --------
    >>> names_in_words(["age", "height"])
    'age, height'
    >>> names_in_words([f"x{k}" for k in range(2000)])
    'x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11 and 1,988 more'
    """
    everything = ", ".join(names)
    if len(names) <= _ALL_NAMES and len(everything) <= _LETTERS_SHOWN:
        return everything
    shown = [
        name if len(name) <= _LETTERS_SHOWN else f"{name[:_LETTERS_SHOWN]}..."
        for name in names[:_NAMES_SHOWN]
    ]
    while len(shown) > 1 and len(", ".join(shown)) > _LETTERS_SHOWN:
        shown.pop()
    more = len(names) - len(shown)
    return f"{', '.join(shown)} and {more:,} more" if more else ", ".join(shown)


def _counts(counts: Mapping[str, int]) -> str:
    return names_in_words([f"{name} ({count})" for name, count in counts.items()])
