"""Say in plain words what was read, what is proved, and what is not."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Context

from cvxnn.certificates import Certificate
from cvxnn.tables.fitting import TableReport
from cvxnn.tables.table_model import TableModel


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
    n_test = 0 if report.y_test is None else len(report.y_test)
    pairs = [
        ("rows", f"{model.n_table_rows}: {len(report.y_train)} for training, {n_test} for testing"),
        ("target", model.target),
        ("numeric columns", ", ".join(model.numeric)),
        (
            "one-hot columns",
            ", ".join(f"{name} ({count} categories)" for name, count in model.one_hot.items()),
        ),
        ("a category for nearly every row", ", ".join(report.nearly_unique)),
        ("constant, left out", ", ".join(report.constant)),
        ("row numbers, left out", ", ".join(report.row_numbers)),
        ("dropped", ", ".join(report.dropped)),
        ("missing values filled in the training rows", _counts(report.imputed)),
        ("test values of unknown category", _counts(report.unknown)),
    ]
    return [(notion, value) for notion, value in pairs if value]


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in counts.items())
