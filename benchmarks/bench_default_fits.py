"""Fits with default settings beside scikit-learn's MLP: seconds, test scores, and why they ended.

The tables: `ReLURegressor()` on 80 % of a UCI table beside MLPRegressor on scaled columns and targets, as it comes. A
fit may take three times the MLP's seconds, or two seconds where that is more (wine 2.4 and bike 2.04 times), and its
test R2 may be .002 below that of fits that version 0.1.0 ran to their end. ``--cv`` adds `ReLURegressorCV()` on
concrete (R2 .92 in 15 s) and yacht. Three more rows have no MLP to keep up with, but have to end by themselves within
60 s. Each row is a process of its own, killed after ``--patience`` seconds a fit; seconds are medians of the repeats.
On a busy machine the ratio of CPU seconds tells more than that of the wall's. Needs the tables and images in the folder
that CVXNN_DATA names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from data_splits import is_at_hand
from fit_runs import fit_apart
from reporting import arguments, print_table, write_json

# Table: test R2 of a fit run to its end, and seconds that are allowed for each of the MLP's.
TABLES = {
    "concrete": (0.906, 3.0),
    "airfoil": (0.889, 3.0),
    "energy": (0.972, 3.0),
    "wine": (0.773, 6.0 / 2.5),
    "housing": (0.854, 3.0),
    "bike": (0.966, 10.0 / 4.9),
    "yacht": (0.986, 3.0),
    "autompg": (0.865, 3.0),
}
SCORE_TOL, LEAST_SECONDS = 0.002, 2.0
UNLIMITED = ["2000 x 16 in 26 classes", "100 x 2000", "mnist 2000"]
UNLIMITED_SECONDS = 60.0
# Table: least test R2 and most seconds of cross-validation, None where neither is asked for.
CROSS_VALIDATED: dict[str, tuple[float, float] | None] = {"concrete": (0.92, 15.0), "yacht": None}
HEADER = [
    "fit", "n", "d", "neurons", "status", "seconds", "MLP's", "ratio", "ratio of CPU seconds", "allowed", "score",
    "MLP's", "least", "ok",
]  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A fit and what is asked of it, None where nothing is."""

    data: str
    kind: str = "cvxnn"
    factor: float | None = None  # seconds for each of the MLP's
    most: float | None = None  # seconds that are always, or without the MLP at most, allowed
    least: float | None = None  # test score

    def allowed(self, mlp: dict[str, Any]) -> float | None:
        """Return the seconds that are allowed beside an MLP."""
        if self.factor is None or self.most is None:
            return self.most
        return max(self.factor * mlp.get("seconds", 0.0), self.most)

    def row(self, name: str, ours: dict[str, Any], mlp: dict[str, Any]) -> list[Any]:
        """Return the row of the table."""
        found = [ours.get(key, "") for key in ("n", "d", "neurons")]
        found += [ours.get("failed", ours.get("status")), ours.get("seconds", ""), mlp.get("seconds", "")]
        both = "failed" not in ours and "failed" not in mlp
        found += [ours[key] / mlp[key] if both else "" for key in ("seconds", "CPU seconds")]
        scores = [ours.get("score", ""), mlp.get("score", ""), self.least]
        return [name, *found, self.allowed(mlp), *scores, self.is_met(ours, mlp)]

    def is_met(self, ours: dict[str, Any], mlp: dict[str, Any]) -> bool:
        """Return whether a fit is all that is asked of it."""
        if "failed" in ours or ours["neurons"] == 0:
            return False
        allowed = self.allowed(mlp)
        in_time = allowed is None or ours["seconds"] <= allowed
        return in_time and (self.least is None or ours["score"] >= self.least)


def cases(only: list[str] | None, cross_validated: bool) -> dict[str, Case]:
    """Return the fits to run by name, all or those of some data."""
    found = {
        name: Case(name, factor=factor, most=LEAST_SECONDS, least=score - SCORE_TOL)
        for name, (score, factor) in TABLES.items()
    }
    found |= {name: Case(name, most=UNLIMITED_SECONDS) for name in UNLIMITED}
    for name, asked in CROSS_VALIDATED.items() if cross_validated else ():
        least, most = asked or (None, None)
        found[f"{name}, cross-validated"] = Case(name, "cvxnn cv", most=most, least=least)
    return {
        name: case
        for name, case in found.items()
        if is_at_hand(case.data) and (not only or case.data in only)
    }


def main() -> None:
    """Run, print, write after every row."""
    parser = arguments(__doc__, "default_fits")
    parser.add_argument("--repeats", type=int, default=3, help="fits of each; the median counts")
    parser.add_argument("--cv", action="store_true", help="ReLURegressorCV too")
    parser.add_argument("--only", nargs="*", help="these data alone", metavar="DATA")
    parser.add_argument("--patience", type=float, default=300.0, help="seconds for a fit before it is killed")
    options = parser.parse_args()
    rows, figures = [], {}
    for name, case in cases(options.only, options.cv).items():
        patience = options.repeats * options.patience
        mlp = fit_apart(patience, case.data, "mlp", repeats=options.repeats)
        ours = fit_apart(patience, case.data, case.kind, repeats=options.repeats)
        rows.append(case.row(name, ours, mlp))
        figures[name] = {"cvxnn": ours, "mlp": mlp, "allowed": case.allowed(mlp), "ok": rows[-1][-1]}
        write_json(options.out, {"repeats": options.repeats, "fits": figures})
        print(f"{name}: {ours.get('failed', ours.get('seconds'))}", flush=True)
    print_table(HEADER, [["" if cell is None else cell for cell in row] for row in rows])


if __name__ == "__main__":
    main()
