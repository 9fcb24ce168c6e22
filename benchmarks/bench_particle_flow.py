"""Students and teachers: particle flow against the start's radius, the student's width and the global optimum.

Radius: d = 2, teachers of 3 neurons of norm 2, students of 20, 500,000 fresh samples, on five independent seeds; the
same with neurons averaged instead of summed, and with a step size for each radius. Movement: how far hidden weights
turn. Width: d = 50, teachers of 10 neurons, fresh samples at every step, test set of 10,000, and some widths
again with another seed. Measures: whether students that fit have their teacher's directions. Optimum: flows with weight
decay against the convex program on the same sample. Sigmoid: particles in the plane. ``--pictures FOLDER`` draws them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from time import process_time

import numpy as np

from cvxnn import Problem, train
from cvxnn.dynamics.initialisation import balanced, sphere, zero_output
from cvxnn.dynamics.particles.flow import particle_flow
from cvxnn.dynamics.particles.measures import SphereMeasure, measure_distance
from cvxnn.dynamics.particles.optimum import particle_optimality
from cvxnn.dynamics.particles.studies import RadiusStudy, WidthStudy, radius_study, width_study
from cvxnn.dynamics.particles.teachers import Teacher, random_teachers
from cvxnn.plots.canvas import save_figure
from cvxnn.plots.dynamics.particles import particle_trails
from cvxnn.plots.dynamics.teacher_studies import loss_by_radius, loss_by_width
from reporting import arguments, print_table, write_json

RADII = np.array([0.001, 0.01, 0.05, 0.1, 1.0, 10.0])
COMPARED = np.array([0.05, 1.0, 10.0])
WIDTHS = [1, 2, 5, 8, 10, 12, 15, 20, 30, 50]
FOUND = 1e-3  # of the loss of f = 0: a student below has found its teacher


def radius_tables(
    repetitions: int, samples: int, seeds: int
) -> tuple[dict[str, dict], list[tuple[RadiusStudy, Teacher]]]:
    """Print and return what becomes of starts of each radius; the studies in the sources' setting come with them.

    Repetitions of a study share their inputs, so that only studies of several seeds are independent.
    """
    # step sizes are the largest of 0.002, 0.005, 0.01, 0.02, ... at which no student diverges
    settings = {
        "neurons summed, one step size": (RADII, False, 0.002),
        "neurons averaged, one step size": (COMPARED, True, 0.02),
        "neurons summed, step size for each": (COMPARED, False, [0.02, 0.02, 0.002]),
    }
    figures, studies = {}, {}
    for name, (radii, averaged, step_size) in settings.items():
        started, runs, studies[name] = process_time(), [], []
        for seed in range(seeds):
            norm = 2.0 / np.sqrt(3.0) if averaged else 2.0
            teacher = random_teachers(2, 3, norm, n_teachers=repetitions, random_state=seed)
            study = radius_study(
                teacher,
                radii / np.sqrt(20.0) if averaged else radii,
                20,
                n_steps=samples // 10,
                step_size=step_size,
                batch_size=10,
                n_test=4000,
                n_records=31 if seed == 0 else 2,
                random_state=seed,
            )
            runs.append({"seed": seed, "radii": radii.tolist(), "rows": radius_rows(study)})
            studies[name].append((study, teacher))
        seconds, rows = process_time() - started, over_seeds(runs)
        figures[name] = {"cpu_seconds": seconds, "over_seeds": rows, "seeds": runs}
        print(f"\n{name}, {repetitions} repetitions a seed, {samples} samples, {seconds:.1f} s of CPU")
        print_table(list(rows[0]), [list(row.values()) for row in rows])
    return figures, studies["neurons summed, one step size"]


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


def over_seeds(runs: list[dict]) -> list[dict]:
    """Return mean and range over seeds of the figures of each radius."""
    rows = []
    for number, radius in enumerate(runs[0]["radii"]):
        mine = [run["rows"][number] for run in runs]
        found, fine, means, spreads = (
            np.array([row[key] for row in mine])
            for key in ("found", "found_finely", "geometric_mean", "spread")
        )
        rows.append(
            {
                "radius": radius,
                "seeds": len(mine),
                "found (1e-3)": float(found.mean()),
                "least": float(found.min()),
                "most": float(found.max()),
                "found (1e-4)": float(fine.mean()),
                "geometric mean": float(np.exp(np.mean(np.log(means)))),
                "least mean": float(means.min()),
                "most mean": float(means.max()),
                "spread (log10)": float(spreads.mean()),
            }
        )
    return rows


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
    again = random_teachers(50, 10, 2.0, n_teachers=repetitions, random_state=3)
    few = [width for width in widths if 5 <= width <= 30 and width % 5 == 0]
    settings = {
        "ReLU, start of radius 0.5": (relu, widths, 0.5, 0.2, "sphere"),
        "ReLU, start of radius 0.5, another seed": (again, [5, 10, 20], 0.5, 0.2, "sphere"),
        "ReLU, start of radius 0.05": (relu, few, 0.05, 0.2, "sphere"),
        "ReLU, balanced start of radius 0.05": (relu, few, 0.05, 0.2, "balanced"),
        "sigmoid, output weights start at 0": (
            sigmoid,
            [1, *few],
            2.0,
            2.0,
            "sphere",
        ),
    }
    figures, studies = {}, {}
    for name, (teacher, some, radius, step_size, start) in settings.items():
        started = process_time()
        study = width_study(
            teacher,
            some,
            radius=radius,
            n_steps=steps,
            step_size=step_size,
            batch_size=100,
            start=start,
            random_state=2 + (teacher is again),
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


def sign_figures(repetitions: int, steps: int) -> list[dict]:
    """Print and return what becomes of the signs of output weights from small starts, d = 50 and 20 particles."""
    teacher, rows = random_teachers(50, 10, 2.0, n_teachers=repetitions, random_state=2), []
    both = np.abs(np.sign(teacher.weights.output).sum(axis=1)) < 10
    for name, make, scale in (("sphere", sphere, 0.05), ("balanced", balanced, 0.05 / np.sqrt(2.0))):
        start = make(51, 20, scale, n_networks=repetitions, random_state=12)
        flow = particle_flow(
            teacher.source(100, n_test=1), start, n_steps=steps, step_size=0.2, n_records=2, random_state=2
        )
        signs = np.sign(flow.final.output)
        rows.append(
            {
                "start": name,
                "kept": float(np.mean(signs == np.sign(start.output))),
                "teachers_of_both": int(both.sum()),
                "students_of_one": int(np.sum(np.abs(signs[both].sum(axis=1)) == 20)),
            }
        )
    print(f"\nSigns of output weights after {steps} steps from radius 0.05, 20 particles in R^50")
    print_table(
        ["start", "kept", "teachers of both signs", "their students of one sign"],
        [list(row.values()) for row in rows],
    )
    return rows


def optimum_table(starts: int, steps: int) -> list[dict]:
    """Print and return how often flows with weight decay reach the convex optimum, by width."""
    rng, rows = np.random.default_rng(6), []
    X = np.hstack([rng.standard_normal((30, 2)), np.ones((30, 1))])
    problem = Problem(X, rng.standard_normal(30), 0.2)
    best = train(problem, tol=1e-6)
    runs = [(width, starts, steps) for width in (2, 5, 10, 20, 50, 200)]
    for width, n_starts, n_steps in [*runs, (200, 6, 4 * steps)]:
        flow = particle_flow(
            problem,
            sphere(3, width, 1.0 / np.sqrt(width), n_networks=n_starts, random_state=8),
            n_steps=n_steps,
            step_size=0.01,
            schedule=lambda t: 1.0 / (1.0 + t / 5000.0),
            n_records=2,
        )
        found = [particle_optimality(problem, flow.final.network(k), optimum=best) for k in range(n_starts)]
        excess = np.array([each.excess for each in found])
        rows.append(
            {
                "width": width,
                "starts": n_starts,
                "steps": n_steps,
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
    header = [
        "particles",
        "starts",
        "steps",
        "within 1e-3 of p*",
        "least excess",
        "median",
        "most",
        "flat distance / |mu|",
    ]
    print_table(header, [list(row.values()) for row in rows])
    return rows


def sample_table(steps: int) -> list[dict]:
    """Print and return how far 60 particles with weight decay come on six samples, each of a teacher of its own."""
    rows = []
    for seed in range(6):
        problem = random_teachers(2, 3, 2.0, random_state=seed).problem(40, 0.5, random_state=seed)
        best, start = train(problem, tol=1e-6), sphere(3, 60, 0.5 / np.sqrt(60.0), random_state=1)
        # steps of 0.01 are too long for the second sample: they end in oscillations, 4 % above the optimum
        flow = particle_flow(problem, start, n_steps=steps, step_size=0.002, n_records=2)
        found = particle_optimality(problem, flow.final.network(), optimum=best)
        distance = found.distance / best_variation(best.network)
        rows.append({"seed": seed, "excess": found.excess, "distance": distance})
    print(f"\nWeight decay, n = 40, labels of a teacher, 60 particles, {steps} steps of 0.002")
    print_table(["seed", "excess", "flat distance / |mu|"], [list(row.values()) for row in rows])
    return rows


def best_variation(network: object) -> float:
    """Return the variation of the optimum's measure."""
    return SphereMeasure.of(network).variation  # type: ignore[arg-type]


def measure_figures(studies: list[tuple[RadiusStudy, Teacher]], radius: float) -> dict:
    """Print and return the distance between students' measures and their teachers' where students have found them."""
    distances: list[float] = []
    for study, teacher in studies:
        s = int(np.flatnonzero(study.radii == radius)[0])
        repetitions = study.losses.shape[2]
        for r in np.flatnonzero(study.losses[-1, s] < FOUND * study.baseline):
            mine = SphereMeasure.of(study.final.network(s * repetitions + int(r))).merged(0.1)
            taught = SphereMeasure.of(teacher.weights.network(int(r)))
            distances.append(measure_distance(mine, taught) / taught.variation)
    figures = {
        "found": len(distances),
        "same_measure": int(np.sum(np.array(distances) < 0.1)),
        "distances": sorted(distances),
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
        taught = np.sign(teacher.weights.output)
        mixed = np.abs(taught.sum(axis=1)) < 2
        baseline = 0.5 * np.mean(teacher.source(1).test[1] ** 2, axis=1)
        rows.append(
            {
                "width": width,
                "found": float(np.mean(flow["loss"][-1] < FOUND * baseline)),
                "loss": float(np.exp(np.mean(np.log(flow["loss"][-1] / baseline)))),
                "positive_if_mixed": float(np.mean(signs[-1][mixed] > 0)),
                "kept_sign": float(np.mean(signs[-1] == signs[5])),
                "teachers_of_one_sign": int(np.sum(~mixed)),
                "students_of_that_sign": int(np.sum(np.all(signs[-1] == taught[:, :1], axis=1)[~mixed])),
            }
        )
    print(f"\nSigmoid particles in the plane, teachers of 2 neurons, {repetitions} repetitions")
    header = [
        "particles",
        "found (1e-3)",
        "loss over f = 0",
        "a > 0, teacher of both signs",
        "sign kept from 5 %",
        "teachers of one sign",
        "their students of that sign only",
    ]
    print_table(header, [list(row.values()) for row in rows])
    return rows


def draw(folder: Path, study: RadiusStudy, widths: dict[str, WidthStudy]) -> None:
    """Draw all pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    # ranges of all six lie on each other
    few = np.isin(study.radii, [0.001, 0.05, 1.0, 10.0])
    shown = replace(study, radii=study.radii[few], losses=study.losses[:, few])
    save_figure(loss_by_radius(shown).plot(), folder / "loss_by_radius.png")
    drawn = {name: study for name, study in widths.items() if "another seed" not in name}
    save_figure(loss_by_width(list(drawn.values()), list(drawn)).plot(), folder / "loss_by_width.png")
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
    radius, sources = radius_tables(5 if quick else 20, 25_000 if quick else 500_000, 2 if quick else 5)
    movement = movement_table(sources[0][1], 500 if quick else 5000)
    widths, studies = width_tables(
        5 if quick else 20, 500 if quick else 10_000, [5, 15, 20] if quick else WIDTHS
    )
    figures = {
        "radius": radius,
        "movement": movement,
        "measures": measure_figures(sources, 0.05),
        "width": widths,
        "signs": sign_figures(5 if quick else 20, 1000),
        "optimum": optimum_table(4 if quick else 20, 2000 if quick else 20_000),
        "samples": sample_table(2500 if quick else 50_000),
        "sigmoid": sigmoid_figures(4 if quick else 20, 1000 if quick else 20_000),
    }
    write_json(options.out, figures)
    print(f"\n{process_time():.0f} s of CPU without pictures")
    if options.pictures:
        draw(options.pictures, sources[0][0], studies)


if __name__ == "__main__":
    main()
