"""The kernels of F_2: precision, random features against width, norms of a neuron, functions on the circle.

Slopes are fitted on log-log axes over repetitions; seconds are CPU seconds of one thread.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import rbf_kernel

from cvxnn.function_spaces.comparisons.circle import approximate_on_circle, hardest_waves
from cvxnn.function_spaces.comparisons.single_neuron import mean_neuron_norm, neuron_norms, neuron_on_circle
from cvxnn.function_spaces.kernels.arc_cosine import ArcCosineCovariance, ArcCosineKernel, angular_part
from cvxnn.function_spaces.kernels.random_features import ReLURandomFeatures, random_neurons
from cvxnn.function_spaces.kernels.ridge import KernelSpaceRegressor, RandomFeatureRegressor
from cvxnn.statistics import log_log_slope
from reporting import arguments, print_table, write_json

DEGREES = (0, 1, 2)
MEASURES = ("sphere", "gaussian")


def precision_rows(draws: int) -> list[list[Any]]:
    """Return the largest relative error against quadrature, and the largest miss of sampling in standard errors."""
    worst = [quadrature_error(degree) for degree in DEGREES]
    return [
        [degree, measure, worst[degree], sampling_error(degree, measure, draws)]
        for degree in DEGREES
        for measure in MEASURES
    ]


def quadrature_error(degree: int) -> float:
    """Return the largest relative difference to the integral over the sector where both neurons are active."""
    nodes, weights = np.polynomial.legendre.leggauss(60)
    supplements = np.concatenate([np.geomspace(1e-12, 1.0, 100), np.linspace(1.0, np.pi, 100)])
    half = supplements[:, None] / 2
    integrals = (half * (np.sin(half * (1 - nodes)) * np.sin(half * (1 + nodes))) ** degree) @ weights
    expected = 2**degree * math.factorial(degree) * integrals
    return float(np.max(np.abs(angular_part(supplements, degree) / expected - 1.0)))


def sampling_error(degree: int, measure: Any, draws: int) -> float:
    """Return the largest difference of kernel and sampled integral over ten pairs, in standard errors."""
    kernel = ArcCosineKernel(degree, True, measure=measure)
    X = np.random.default_rng(0).standard_normal((4, 3))
    hidden = kernel.activation.value(kernel.inputs(X) @ random_neurons(4, draws, measure, 1))
    products = hidden[:, None] * hidden[None]
    errors = products.std(axis=2) / math.sqrt(draws)
    return float(np.max(np.abs(products.mean(axis=2) - kernel.gram(X)) / errors))


def width_rows(widths: list[int], repetitions: int) -> list[list[Any]]:
    """Return relative errors of random features and of ridge on them against width, with slopes."""
    rng = np.random.default_rng(0)
    X, y, new = rng.standard_normal((50, 5)), rng.standard_normal(50), rng.standard_normal((50, 5))
    rows = []
    for degree in DEGREES:
        for measure in MEASURES:
            gram = ArcCosineKernel(degree, True, measure=measure).gram(X)
            limit = KernelSpaceRegressor(0.1, degree=degree, measure=measure).fit(X, y).predict(new)
            kernels, ridges = np.zeros((2, len(widths), repetitions))
            for i, m in enumerate(widths):
                for seed in range(repetitions):
                    options: dict[str, Any] = {"degree": degree, "measure": measure, "random_state": seed}
                    Phi = ReLURandomFeatures(m, **options).fit_transform(X)
                    kernels[i, seed] = np.linalg.norm(Phi @ Phi.T - gram) / np.linalg.norm(gram)
                    one = RandomFeatureRegressor(0.1, n_components=m, **options).fit(X, y)
                    ridges[i, seed] = np.linalg.norm(one.predict(new) - limit) / np.linalg.norm(limit)
            for name, errors in (("kernel", kernels), ("ridge", ridges)):
                slope = log_log_slope(widths, errors)
                means = [float(value) for value in errors.mean(axis=1)]
                rows.append([name, degree, measure, *means, slope.value, slope.standard_error])
    return rows


def norm_rows(sizes: list[int], repetitions: int) -> list[list[Any]]:
    """Return both norms of a unit neuron on growing samples of the sphere."""
    rows = []
    for degree in (0, 1):
        for d in (2, 3, 5, 10):
            found = []
            for seed in range(repetitions):
                rng = np.random.default_rng(seed)
                X = rng.standard_normal((sizes[-1], d))
                v = rng.standard_normal(d)
                X /= np.linalg.norm(X, axis=1, keepdims=True)
                v *= np.sign(X[0] @ v) / np.linalg.norm(v)  # active somewhere on the smallest sample
                found.append(neuron_norms(X, v, sizes, activation=degree, largest_program=sizes[0]))
            norms = np.array([one.gamma_2 for one in found]).T
            slope = log_log_slope(sizes, norms)
            largest = max(one.bounded.measured for one in found)
            means = [float(value) for value in norms.mean(axis=1)]
            rows.append([degree, d, largest, *means, slope.value, slope.standard_error])
    return rows


def mean_rows(n: int) -> list[list[Any]]:
    """Return the mean of gamma_2^2 / n over random neurons on one sample, with its standard error."""
    rows = []
    for degree in DEGREES:
        for d in (3, 5, 10):
            X = np.random.default_rng(0).standard_normal((n, d))
            norm = mean_neuron_norm(X, kernel=ArcCosineKernel(degree), n_neurons=4000)
            rows.append([degree, d, n, norm.mean / n, norm.standard_error / n])
    return rows


def circle_rows(n_angles: int) -> list[list[Any]]:
    """Return least sup-errors within balls of F_2 on the circle: the hardest waves, a triangle, a random walk."""
    deltas = np.geomspace(4.0, n_angles / 8, 6)
    angles = np.pi * np.arange(n_angles) / n_angles
    triangle = np.minimum(angles, np.pi - angles) - np.pi / 4
    steps = np.random.default_rng(0).permutation(np.repeat([1.0, -1.0], n_angles // 2)) * np.pi / n_angles
    walk = np.cumsum(steps)
    waves = hardest_waves(deltas, n_angles=3 * n_angles // 4 * 4)
    rows = []
    for name, found in (
        ("hardest wave", waves),
        ("triangle", approximate_on_circle(triangle, deltas)),
        ("random walk", approximate_on_circle(walk - walk.mean(), deltas)),
    ):
        gap = float(np.max(found.errors - found.lower))
        rows.append(
            [name, *map(float, found.errors), found.slope, *map(float, found.constants[[0, -1]]), gap]
        )
    return rows


def cpu_seconds(run: Callable[[], Any]) -> float:
    """Return the CPU seconds of one run, after one to warm up."""
    run()
    started = time.process_time()
    run()
    return time.process_time() - started


def speed_rows(n: int, d: int = 20) -> list[list[Any]]:
    """Return CPU seconds of a kernel matrix beside scikit-learn's Gaussian one, and of fits."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    few = slice(0, n // 10)
    runs: list[tuple[str, Callable[[], Any]]] = [(f"rbf_kernel, n = {n}", lambda: rbf_kernel(X))]
    runs += [(f"gram, k = {k}, n = {n}", lambda k=k: ArcCosineKernel(k).gram(X)) for k in DEGREES]
    runs += [
        (f"KernelSpaceRegressor, n = {n}", lambda: KernelSpaceRegressor().fit(X, y)),
        (
            f"RandomFeatureRegressor, m = 500, n = {n}",
            lambda: RandomFeatureRegressor(n_components=500).fit(X, y),
        ),
        (
            f"KernelRidge, ArcCosineKernel, n = {n // 10}",
            lambda: KernelRidge(kernel=ArcCosineKernel(bias=True)).fit(X[few], y[few]),
        ),
        (
            f"KernelRidge, ArcCosineCovariance, n = {n // 10}",
            lambda: KernelRidge(kernel=ArcCosineCovariance()).fit(X[few], y[few]),
        ),
    ]
    return [[name, cpu_seconds(run)] for name, run in runs]


def main() -> None:
    """Run all parts."""
    parser = arguments(__doc__, "kernels")
    parser.add_argument("--quick", action="store_true", help="smaller sizes and fewer repetitions")
    options = parser.parse_args()
    quick = options.quick
    widths = [16, 64, 256, 1024] if quick else [16, 64, 256, 1024, 4096]
    sizes = [8, 16, 32, 64] if quick else [8, 16, 32, 64, 128, 256]
    n_angles = 96 if quick else 256
    repetitions = 5 if quick else 20

    precision = precision_rows(100_000 if quick else 1_000_000)
    print_table(["k", "weights", "relative error", "sampling, standard errors"], precision)
    width = width_rows(widths, repetitions)
    print_table(["error of", "k", "weights", *(f"m = {m}" for m in widths), "slope", "+-"], width)
    norms = norm_rows(sizes, repetitions)
    print_table(["k", "d", "largest gamma_1", *(f"gamma_2, n = {n}" for n in sizes), "slope", "+-"], norms)
    means = mean_rows(32 if quick else 128)
    print_table(["k", "d", "n", "mean of gamma_2^2 / n over neurons", "+-"], means)
    laws = [neuron_on_circle(n) for n in (8, 32, 128, 512)]
    print_table(
        ["equispaced n", "gamma_2^2 / n", "sqrt(3) / 2 + 2 / n"],
        [[n, law.measured, law.predicted] for n, law in zip((8, 32, 128, 512), laws, strict=True)],
    )
    circle = circle_rows(n_angles)
    deltas = [f"delta = {delta:.3g}" for delta in np.geomspace(4.0, n_angles / 8, 6)]
    print_table(["target", *deltas, "slope", "first error x delta", "last", "gap"], circle)
    speed = speed_rows(500 if quick else 2000)
    print_table(["what", "CPU seconds"], speed)
    write_json(
        options.out,
        {
            "precision": precision,
            "widths": widths,
            "errors": width,
            "sizes": sizes,
            "norms": norms,
            "means": means,
            "equispaced": [[law.measured, law.predicted] for law in laws],
            "circle": circle,
            "speed": speed,
        },
    )


if __name__ == "__main__":
    main()
