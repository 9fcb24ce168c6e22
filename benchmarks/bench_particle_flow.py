"""Students and teachers: particle flow against the start's radius, the student's width and the global optimum.

Radius: d = 2, teachers of 3 neurons of norm 2, students of 20, 500,000 fresh samples; the same with neurons averaged
instead of summed, and with a step size for each radius. Movement: how far hidden weights turn. Width: d = 50, teachers
of 10 neurons, fresh samples at every step, test set of 10,000. Measures: whether students that fit have their teacher's
directions. Optimum: flows with weight decay against the convex program on the same sample. Sigmoid: particles in the
plane. ``--pictures FOLDER`` draws them.
"""

from __future__ import annotations

from pathlib import Path
from time import process_time

import numpy as np

from cvxnn import Problem, train
from cvxnn.dynamics.initialisation import sphere, zero_output
from cvxnn.dynamics.particle_flow import particle_flow
from cvxnn.dynamics.particle_measures import SphereMeasure, measure_distance
from cvxnn.dynamics.particle_optimum import particle_optimality
from cvxnn.dynamics.teacher_studies import RadiusStudy, WidthStudy, radius_study, width_study
from cvxnn.dynamics.teachers import Teacher, random_teachers
from cvxnn.plots.canvas import save_figure
from cvxnn.plots.particles import particle_trails
from cvxnn.plots.teacher_studies import loss_by_radius, loss_by_width
from reporting import arguments, print_table, write_json

RADII = np.array([0.001, 0.01, 0.05, 0.1, 1.0, 10.0])
WIDTHS = [1, 2, 5, 8, 10, 12, 15, 20, 30, 50]
FOUND = 1e-3  # of the loss of f = 0: a student below has found its teacher


def radius_tables(repetitions: int, samples: int) -> tuple[dict[str, dict], RadiusStudy, Teacher]:
    """Print and return what becomes of starts of each radius; the study in the sources' setting comes with them."""
    teacher = random_teachers(2, 3, 2.0, n_teachers=repetitions, random_state=1)
    averaged = random_teachers(2, 3, 2.0 / np.sqrt(3.0), n_teachers=repetitions, random_state=1)
    # the largest of 0.002, 0.005, 0.01, 0.02, ... at which no student diverges
    settings = {
        "neurons summed, one step size": (teacher, RADII, 0.002),
        "neurons averaged, one step size": (averaged, RADII / np.sqrt(20.0), 0.02),
        "neurons summed, step size for each": (teacher, RADII, [0.02] * 5 + [0.002]),
    }
    figures, first = {}, None
    for name, (teachers, radii, step_size) in settings.items():
        started = process_time()
        study = radius_study(teachers, radii, 20, n_steps=samples // 10, step_size=step_size, batch=10)
        first = first or study
        figures[name] = {"cpu_seconds": process_time() - started, "rows": radius_rows(study)}
        print(
            f"\n{name}, {repetitions} repetitions, {samples} samples, {process_time() - started:.1f} s of CPU"
        )
        header = [
            "radius",
            "found (1e-3)",
            "found (1e-4)",
            "geometric mean",
            "least",
            "most",
            "spread (log10)",
        ]
        print_table(
            header, [[float(r), *row.values()] for r, row in zip(RADII, radius_rows(study), strict=True)]
        )
    assert first is not None
    return figures, first, teacher


def radius_rows(study: RadiusStudy) -> list[dict]:
    """Return the figures of each radius at the end of training."""
    last, shares, fine = study.losses[-1], study.found(FOUND), study.found(0.1 * FOUND)
    return [
        {
            "found": float(shares[s]),
            "found_finely": float(fine[s]),
            "geometric_mean": float(study.geometric_mean[-1, s]),
            "least": float(last[s].min()),
            "most": float(last[s].max()),
            "spread": float(np.std(np.log10(last[s]))) if np.all(np.isfinite(last[s])) else float("inf"),
        }
        for s in range(len(study.radii))
    ]


def movement_table(teacher: Teacher, steps: int) -> list[dict]:
    """Print and return how far neurons turn and stretch, by radius, with small steps of large batches."""
    rows = []
    repetitions = teacher.weights.n_networks
    for radius in (0.05, 1.0, 10.0):
        start = sphere(3, 20, radius, n_networks=repetitions, random_state=7)
        step_size = 0.02 if radius <= 1.0 else 0.0005
        flow = particle_flow(
            teacher.source(50), start, n_steps=steps, step_size=step_size, record="loss", n_records=2
        )
        before, after = start.hidden, flow.final.hidden
        norms = np.linalg.norm(before, axis=1), np.linalg.norm(after, axis=1)
        cosines = np.clip(np.sum(before * after, axis=1) / (norms[0] * norms[1]), -1.0, 1.0)
        change = norms[1] * np.abs(flow.final.output) / (norms[0] * np.abs(start.output))
        rows.append(
            {
                "radius": radius,
                "median_degrees": float(np.degrees(np.median(np.arccos(cosines)))),
                "largest_degrees": float(np.degrees(np.arccos(cosines).max())),
                "median_stretch": float(np.median(change)),
                "hidden_moved": moved(before, after),
                "output_moved": moved(start.output[:, None], flow.final.output[:, None]),
                "loss": float(np.exp(np.mean(np.log(flow["loss"][-1])))),
            }
        )
    print("\nMovement from start to end")
    print_table(
        ["radius", "u turns, median deg", "most", "|a| |u| stretched", "u moved", "a moved", "loss"],
        [list(row.values()) for row in rows],
    )
    return rows


def moved(before: np.ndarray, after: np.ndarray) -> float:
    """Return the median over networks of the distance moved over the size at the start."""
    distance = np.linalg.norm(after - before, axis=(1, 2)) / np.linalg.norm(before, axis=(1, 2))
    return float(np.median(distance))


def width_tables(
    repetitions: int, steps: int, widths: list[int]
) -> tuple[dict[str, dict], dict[str, WidthStudy]]:
    """Print and return excess losses against width, ReLU from two radii and sigmoid."""
    relu = random_teachers(50, 10, 2.0, n_teachers=repetitions, random_state=2)
    sigmoid = random_teachers(
        50, 10, 5.0, n_teachers=repetitions, activation="sigmoid", inputs="sphere", random_state=2
    )
    few = [width for width in widths if 5 <= width <= 30 and width % 5 == 0]
    settings = {
        "ReLU, start of radius 0.5": (relu, widths, 0.5, 0.2, "sphere"),
        "ReLU, start of radius 0.05": (relu, few, 0.05, 0.2, "sphere"),
        "ReLU, balanced start of radius 0.05": (relu, few, 0.05, 0.2, "balanced"),
        "sigmoid, output weights start at 0": (
            sigmoid,
            [w for w in widths if w not in (2, 50)],
            2.0,
            2.0,
            "sphere",
        ),
    }
    figures, studies = {}, {}
    for name, (teacher, some, radius, step_size, start) in settings.items():
        started = process_time()
        study = width_study(
            teacher, some, radius=radius, n_steps=steps, step_size=step_size, batch=100, start=start
        )
        rows = [
            {
                "width": int(width),
                "geometric_mean": float(study.geometric_mean[k]),
                "relative": float(study.geometric_mean[k] / np.exp(np.mean(np.log(study.baseline)))),
                "least": float(study.losses[k].min()),
                "most": float(study.losses[k].max()),
                "spread": float(np.std(np.log10(study.losses[k]))),
                "found": float(study.found(FOUND)[k]),
            }
            for k, width in enumerate(study.widths)
        ]
        figures[name] = {"cpu_seconds": process_time() - started, "rows": rows}
        studies[name] = study
        print(f"\n{name}, {repetitions} repetitions, {steps} steps, {process_time() - started:.1f} s of CPU")
        header = ["width", "geometric mean", "over f = 0", "least", "most", "spread (log10)", "found (1e-3)"]
        print_table(header, [list(row.values()) for row in rows])
    return figures, studies


def optimum_table(starts: int, steps: int) -> list[dict]:
    """Print and return how often flows with weight decay reach the convex optimum, by width."""
    rng, rows = np.random.default_rng(6), []
    X = np.hstack([rng.standard_normal((30, 2)), np.ones((30, 1))])
    problem = Problem(X, rng.standard_normal(30), 0.2)
    best = train(problem, tol=1e-6)
    for width in (2, 5, 10, 20, 50, 200):
        flow = particle_flow(
            problem,
            sphere(3, width, 1.0 / np.sqrt(width), n_networks=starts, random_state=8),
            n_steps=steps,
            step_size=0.01,
            schedule=lambda t: 1.0 / (1.0 + t / 5000.0),
            n_records=2,
        )
        found = [particle_optimality(problem, flow.final.network(k), optimum=best) for k in range(starts)]
        excess = np.array([each.excess for each in found])
        rows.append(
            {
                "width": width,
                "reached": float(np.mean(excess < 1e-3)),
                "least": float(excess.min()),
                "median": float(np.median(excess)),
                "most": float(excess.max()),
                "distance": float(
                    np.median([each.distance for each in found]) / best_variation(best.network)
                ),
            }
        )
    print(f"\nWeight decay, n = 30, labels without a rule: p* = {best.certificate.objective:.6f}")
    header = ["particles", "within 1e-3 of p*", "least excess", "median", "most", "flat distance / |mu|"]
    print_table(header, [list(row.values()) for row in rows])
    return rows


def best_variation(network: object) -> float:
    """Return the variation of the optimum's measure."""
    return SphereMeasure.of(network).variation  # type: ignore[arg-type]


def measure_figures(study: RadiusStudy, teacher: Teacher, radius: float) -> dict:
    """Print and return the distance between a student's measure and its teacher's where the student has found it."""
    s = int(np.flatnonzero(study.radii == radius)[0])
    repetitions = study.losses.shape[2]
    good = np.flatnonzero(study.losses[-1, s] < FOUND * study.baseline)
    distances = []
    for r in good:
        mine = SphereMeasure.of(study.final.network(s * repetitions + int(r))).merged(0.1)
        taught = SphereMeasure.of(teacher.weights.network(int(r)))
        distances.append(measure_distance(mine, taught) / taught.variation)
    figures = {
        "found": len(good),
        "same_measure": int(np.sum(np.array(distances) < 0.1)),
        "distances": np.sort(distances).tolist(),
    }
    print(
        f"\nOf {figures['found']} students of radius {radius} that found their teacher, {figures['same_measure']} have "
        "its directions and masses (flat distance below 0.1 |mu|)"
    )
    return figures


def sigmoid_figures(repetitions: int, steps: int) -> list[dict]:
    """Print and return what becomes of sigmoid particles in the plane, teachers of two neurons."""
    teacher = random_teachers(
        2, 2, 6.0, n_teachers=repetitions, activation="sigmoid", inputs="sphere", random_state=3
    )
    rows = []
    for width in (3, 15, 50):
        flow = particle_flow(
            teacher.source(20, n_test=1000),
            zero_output(3, width, 1.0, n_networks=repetitions, random_state=11),
            n_steps=steps,
            step_size=1.0,
            activation="sigmoid",
            record=["loss", "weights"],
            n_records=101,
        )
        signs = np.sign(flow["output"])
        mixed = np.abs(np.sign(teacher.weights.output).sum(axis=1)) < 2
        baseline = 0.5 * np.mean(teacher.source(1).test[1] ** 2, axis=1)
        rows.append(
            {
                "width": width,
                "found": float(np.mean(flow["loss"][-1] < FOUND * baseline)),
                "loss": float(np.exp(np.mean(np.log(flow["loss"][-1] / baseline)))),
                "positive_if_mixed": float(np.mean(signs[-1][mixed] > 0)),
                "kept_sign": float(np.mean(signs[-1] == signs[5])),
            }
        )
    print(f"\nSigmoid particles in the plane, teachers of 2 neurons, {repetitions} repetitions")
    header = [
        "particles",
        "found (1e-3)",
        "loss over f = 0",
        "a > 0, teacher of both signs",
        "sign kept from 5 %",
    ]
    print_table(header, [list(row.values()) for row in rows])
    return rows


def draw(folder: Path, study: RadiusStudy, widths: dict[str, WidthStudy]) -> None:
    """Draw all pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    save_figure(loss_by_radius(study).plot(), folder / "loss_by_radius.png")
    save_figure(loss_by_width(list(widths.values()), list(widths)).plot(), folder / "loss_by_width.png")
    relu = random_teachers(2, 3, 2.0, n_teachers=4, random_state=5)
    for radius, step_size in ((0.05, 0.02), (10.0, 0.0005)):
        flow = particle_flow(
            relu.source(50),
            sphere(3, 15, radius, n_networks=4, random_state=11),
            n_steps=10_000,
            step_size=step_size,
            record="weights",
            n_records=300,
            spacing="log",
        )
        for index in range(4):
            picture = particle_trails(flow, index=index, teacher=relu)
            save_figure(picture.plot(), folder / f"relu_{radius:g}_{index}.png")
    sigmoid = random_teachers(2, 2, 6.0, n_teachers=4, activation="sigmoid", inputs="sphere", random_state=3)
    for width in (3, 15):
        flow = particle_flow(
            sigmoid.source(20),
            zero_output(3, width, 1.0, n_networks=4, random_state=11),
            n_steps=20_000,
            step_size=1.0,
            activation="sigmoid",
            record="weights",
            n_records=300,
            spacing="log",
        )
        for index in range(4):
            picture = particle_trails(flow, index=index, teacher=sigmoid)
            save_figure(picture.plot(), folder / f"sigmoid_{width}_{index}.png")


def main() -> None:
    """Run all parts."""
    parser = arguments(__doc__, "particle_flow")
    parser.add_argument(
        "--quick", action="store_true", help="a twentieth of the work: for a look, not for numbers"
    )
    parser.add_argument("--pictures", type=Path, help="folder to draw into")
    options = parser.parse_args()
    quick = options.quick
    radius, study, teacher = radius_tables(5 if quick else 20, 25_000 if quick else 500_000)
    movement = movement_table(teacher, 500 if quick else 5000)
    widths, studies = width_tables(
        5 if quick else 20, 500 if quick else 10_000, [5, 15, 20] if quick else WIDTHS
    )
    figures = {
        "radius": radius,
        "movement": movement,
        "measures": measure_figures(study, teacher, 0.05),
        "width": widths,
        "optimum": optimum_table(4 if quick else 20, 2000 if quick else 20_000),
        "sigmoid": sigmoid_figures(4 if quick else 20, 1000 if quick else 20_000),
    }
    write_json(options.out, figures)
    if options.pictures:
        draw(options.pictures, study, studies)


if __name__ == "__main__":
    main()
