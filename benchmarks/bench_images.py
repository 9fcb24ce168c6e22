"""MNIST and CIFAR-10 as raw pixels: test accuracy of default settings within a limit, and training against descent.

`ReLUClassifier(max_seconds=...)` on the first 2,000, 10,000 and all 60,000 images of MNIST and the 50,000 of CIFAR-10.
Then, on MNIST's 60,000 (pixels over 255, centred, a column of ones, output offset, softmax, beta 5), the reference
descent alone, and after it `train`, both for 150 s: objectives at 20, 40, 80 and 150 s, the last that of the network
that is returned, strictly below the descent's, and the lower bound proven. Needs the images in the folder that
CVXNN_DATA names, pandas and pyarrow.
"""

from __future__ import annotations

import os
import time
from typing import Any

from baselines import CLOCKS, Budget, Curve, objective_by, reference_network
from cvxnn import train
from data_splits import mnist, pixel_accuracy, pixel_problem
from fit_runs import allowed_seconds, fit_apart
from reporting import arguments, print_table, write_json

# Data: seconds, and the accuracy asked for.
FITS = {
    "mnist 2000": (10.0, 0.91),
    "mnist 10000": (25.0, 0.963),
    "mnist 60000": (150.0, 0.983),
    "cifar10 50000": (150.0, 0.53),
}
RACE = "race"
MARKS = (20.0, 40.0, 80.0, 150.0)
IMAGES, BETA = 60_000, 5.0


def fit_row(data: str, repeats: int) -> dict[str, Any]:
    """Return what a default fit does in its seconds."""
    limit, least = FITS[data]
    found = fit_apart(repeats * (10.0 * limit + 120.0), data, max_seconds=limit, repeats=repeats)
    ok = "failed" not in found and found["score"] >= least and found["seconds"] <= allowed_seconds(limit)
    return {"data": data, "limit": limit, "least": least, "ok": ok, **found}


def race(n: int, beta: float, marks: tuple[float, ...]) -> dict[str, Any]:
    """Return objectives of the reference descent, run alone, and of training, run after it, at marks."""
    split = mnist(n)
    problem = pixel_problem(split, beta)
    network, descent = reference_network(problem, Budget(marks[-1], CLOCKS["wall"]), 0)
    curve: Curve = []
    started = time.perf_counter()
    result = train(
        problem,
        max_seconds=marks[-1],
        callback=lambda record: curve.append((time.perf_counter() - started, record.objective)),
    )
    seconds = time.perf_counter() - started
    if seconds <= allowed_seconds(marks[-1]):  # the end counts for the last mark
        curve.append((min(seconds, marks[-1]), problem.objective(result.network)))
    rows = [[mark, objective_by(descent, mark), objective_by(curve, mark)] for mark in marks]
    return {
        "n": n,
        "beta": beta,
        "marks": rows,
        "ok": all(ours <= theirs for _, theirs, ours in rows) and rows[-1][2] < rows[-1][1],
        "seconds": seconds,
        "descent's accuracy": pixel_accuracy(network, split),
        "accuracy": pixel_accuracy(result.network, split),
        "neurons": result.network.n_neurons,
        "lower bound": result.certificate.lower_bound,
        "status": result.status.name,
        "descent": descent,
        "curve": curve,
    }


def report(figures: dict[str, Any]) -> None:
    """Print the fits, and the marks and the end of the race."""
    keys = ["data", "limit", "seconds", "neurons", "status", "MiB", "score", "least", "ok"]
    if figures["fits"]:
        print_table(
            keys, [[each.get(key, each.get("failed", "")) for key in keys] for each in figures["fits"]]
        )
    if "race" in figures:
        found = figures["race"]
        print()
        print_table(["seconds", "reference descent", "cvxnn"], found["marks"])
        keys = ["accuracy", "descent's accuracy", "neurons", "lower bound", "seconds", "status", "ok"]
        print("\n" + ", ".join(f"{key} {found[key]}" for key in keys))


def main() -> None:
    """Run, print, write after every part."""
    parser = arguments(__doc__, "images")
    parser.add_argument("--only", nargs="*", choices=[*FITS, RACE], help="these parts alone", metavar="PART")
    parser.add_argument("--repeats", type=int, default=1, help="fits of each; medians of their seconds")
    parser.add_argument("--race-images", type=int, default=IMAGES, help="fewer, with a beta in proportion")
    parser.add_argument("--marks", nargs="*", type=float, default=list(MARKS), help="of the race, in seconds")
    options = parser.parse_args()
    if not os.environ.get("CVXNN_DATA"):
        print("The environment variable CVXNN_DATA names no folder of images: nothing to run.")
        return
    figures: dict[str, Any] = {"fits": []}
    for data in FITS:
        if not options.only or data in options.only:
            figures["fits"].append(fit_row(data, options.repeats))
            write_json(options.out, figures)
            print(f"{data}: {figures['fits'][-1].get('score')}", flush=True)
    if not options.only or RACE in options.only:
        n = options.race_images
        figures["race"] = race(n, BETA * n / IMAGES, tuple(options.marks))
        write_json(options.out, figures)
    report(figures)


if __name__ == "__main__":
    main()
