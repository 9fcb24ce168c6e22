"""Time limits: whether they are kept, by a network with neurons, as good as plain descent in the same seconds.

Default estimators with nothing but ``max_seconds``, each in a new process, on a quiet machine and beside processes that
keep it busy. A row is ok where the network has neurons, the fit took no more than 1.15 times the limit or half a second
above it, whichever is more, and its objective is at most 1.02 times that of the reference descent
(`baselines.reference_descent`) on the same problem, with the estimator's weight decay, given the limit's seconds in the
same company. "Ratio at its end" compares with what the descent had when the fit ended, which can be sooner. A fit that
takes ten times its limit and a minute is killed.

All rows take three quarters of an hour: ``--only`` and ``--most`` choose some of them. Tables and images are read from
the folder that CVXNN_DATA names.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from data_splits import is_at_hand
from fit_runs import allowed_seconds, busy_processes, fit_apart
from reporting import arguments, print_table, write_json

LIMITS = {
    "concrete": [0.2, 0.5, 1, 2, 4, 10],
    "housing": [0.2, 0.5, 2],
    "yacht": [0.2, 1],
    "wine": [0.5, 2, 5, 15],
    "elevators": [2, 15],
    "bike": [1, 5, 15, 30],
    "1000 x 300": [2, 10],
    "10000 x 6": [1, 5],
    "mnist 2000": [1, 5, 10, 30],
    "mnist 10000": [2, 10, 25, 60],
    "100 x 5000": [0.5, 2, 10],
    "100 x 20000": [1, 5, 20],
    "2000 x 16 in 26 classes": [0.5, 2, 10, 30],
    "5000 x 32 in 100 classes": [1, 5, 20],
    "200000 x 2": [2, 5, 20],
    "200000 x 30": [5, 20, 60],
}
RATIO = 1.02
HEADER = [
    "data", "busy beside", "limit", "seconds", "over by", "neurons", "status", "ratio", "ratio at its end", "MiB",
    "ok",
]  # fmt: skip


def is_kept(limit: float, found: dict[str, Any]) -> bool:
    """Return whether a fit is all that is promised of it."""
    return bool(
        "failed" not in found
        and found["seconds"] <= allowed_seconds(limit)
        and found["neurons"] > 0
        and found["ratio"] <= RATIO
    )


def row(data: str, busy: int, limit: float, found: dict[str, Any]) -> list[Any]:
    """Return a row of the table; "over by" counts from what is allowed."""
    if "failed" in found:
        return [data, busy, limit, "", "", "", found["failed"], "", "", "", False]
    return [
        data, busy, limit, found["seconds"], max(0.0, found["seconds"] - allowed_seconds(limit)), found["neurons"],
        found["status"], found["ratio"], found["ratio at its end"], found["MiB"], is_kept(limit, found),
    ]  # fmt: skip


def cases(options: Any) -> Iterator[tuple[str, int, float]]:
    """Yield data, number of busy processes, and limit."""
    for data, limits in LIMITS.items():
        if is_at_hand(data) and (not options.only or data in options.only):
            for limit in limits:
                if options.least <= limit <= options.most:
                    for busy in options.busy:
                        yield data, busy, float(limit)


def main() -> None:
    """Run, print and write after every row."""
    parser = arguments(__doc__, "limits")
    parser.add_argument("--only", nargs="*", help="these data alone", metavar="DATA")
    parser.add_argument("--least", type=float, default=0.0, help="leave out limits below, in seconds")
    parser.add_argument("--most", type=float, default=60.0, help="leave out limits above, in seconds")
    parser.add_argument(
        "--busy", nargs="*", type=int, default=[0, 2], help="numbers of busy processes beside"
    )
    parser.add_argument(
        "--repeats", type=int, default=1, help="fits of each; their median time and the last objective"
    )
    options = parser.parse_args()
    rows, figures = [], []
    for data, busy, limit in cases(options):
        with busy_processes(busy):
            found = fit_apart(
                options.repeats * (10.0 * limit + 60.0) + limit,
                data,
                max_seconds=limit,
                repeats=options.repeats,
                reference=True,
            )
        rows.append(row(data, busy, limit, found))
        figures.append({"data": data, "busy": busy, "limit": limit, "ok": rows[-1][-1], **found})
        write_json(options.out, {"fits": figures})
        print(f"{data}, {limit:g} s, {busy} busy: {'ok' if rows[-1][-1] else rows[-1][3:]}", flush=True)
    print_table(HEADER, rows)
    print(f"\n{sum(each['ok'] for each in figures)} of {len(figures)} are ok")


if __name__ == "__main__":
    main()
