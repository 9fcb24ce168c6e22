"""How often students find their teachers: against their width, and against the size of their start.

Repetitions of a study differ in teachers and starts and share all inputs, those of the steps and of the test set:
shares and means over them have the noise of one draw of inputs besides that of R repetitions. Studies of several seeds
show it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cvxnn.dynamics.descent.sources import FreshSamples
from cvxnn.dynamics.initialisation import balanced, sphere, zero_output
from cvxnn.dynamics.particles.flow import particle_flow
from cvxnn.dynamics.particles.teachers import Teacher
from cvxnn.dynamics.starts.weights import Weights
from cvxnn.names import keep_old_arguments
from cvxnn.seeds import Seed, as_seed
from cvxnn.short_reprs import short_repr
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, as_count, as_finite_array, as_number

Start = Literal["sphere", "balanced"]


@short_repr
@dataclass(frozen=True, eq=False)
class WidthStudy:
    """Test losses of students of several widths.

    Parameters
    ----------
    widths : ndarray of shape (K,)
        Particles of a student.
    losses : ndarray of shape (K, R)
        Half mean squared test loss at the end, for each repetition; infinite where a student diverged. The least
        possible is 0: this is the excess loss.
    baseline : ndarray of shape (R,)
        The same of f = 0.
    teacher_width : int
        Neurons of a teacher.
    """

    widths: NDArray[np.int64]  # (K,)
    losses: Array  # (K, R)
    baseline: Array  # (R,)
    teacher_width: int

    @property
    def geometric_mean(self) -> Array:
        """Return the geometric mean of the losses of each width, shape (K,)."""
        return geometric_mean(self.losses)

    def found(self, threshold: float = 1e-3) -> Array:
        """Return the share of students whose loss is below ``threshold`` times that of f = 0, shape (K,)."""
        return _share_below(self.losses, self.baseline, threshold)


@short_repr
@dataclass(frozen=True, eq=False)
class RadiusStudy:
    """Test losses of students that start on spheres of several radii, along training.

    Parameters
    ----------
    radii : ndarray of shape (S,)
        ``sqrt(||u_j||^2 + a_j^2)`` of every neuron at the start.
    steps : ndarray of shape (T,)
        Steps taken.
    losses : ndarray of shape (T, S, R)
        Half mean squared test loss, for each repetition; infinite where a student diverged.
    baseline : ndarray of shape (R,)
        The same of f = 0.
    final : Weights
        The S R students at the end: that of radius s and repetition r is number ``s R + r``.
    """

    radii: Array  # (S,)
    steps: Array  # (T,)
    losses: Array  # (T, S, R)
    baseline: Array  # (R,)
    final: Weights

    @property
    def geometric_mean(self) -> Array:
        """Return the geometric mean over repetitions, shape (T, S)."""
        return geometric_mean(self.losses)

    def found(self, threshold: float = 1e-3) -> Array:
        """Return the share of students whose last loss is below ``threshold`` times that of f = 0, shape (S,)."""
        return _share_below(self.losses[-1], self.baseline, threshold)


@keep_old_arguments(batch="batch_size")
@on_one_blas_thread
def width_study(
    teacher: Teacher,
    widths: Iterable[int],
    *,
    radius: float,
    n_steps: int,
    step_size: float,
    batch_size: int,
    start: Start = "sphere",
    n_test: int = 10_000,
    random_state: Seed = 0,
) -> WidthStudy:
    """Train students of several widths on fresh samples of their teachers, a repetition for each teacher.

    Inputs are common to all repetitions and widths, at every step and in the test set; teachers and starts differ.

    Parameters
    ----------
    teacher : Teacher
        R teachers.
    widths : iterable of int
        Particles of the students.
    radius : float
        Of every neuron at the start: ``sqrt(||u_j||^2 + a_j^2)`` for ReLU. For sigmoid and others hidden weights start
        at ``||u_j|| = radius`` and output weights at zero.
    n_steps, step_size, batch_size, n_test
        Steps, their length in the particles' time (see `particle_flow`), samples in each, and test samples.
    start : {"sphere", "balanced"}, default "sphere"
        For ReLU: neurons uniform on the sphere in R^(d+1), or ``||u_j|| = |a_j|``, which keeps the signs of a_j.
    random_state : int, Generator, RandomState or None, default 0
        Seed of starts, samples and test set, each in a stream of its own.

    Returns
    -------
    WidthStudy

    Raises
    ------
    ValueError
        If an argument is out of range.

    References
    ----------
    Report "On convex neural networks", section 5.2; L. Chizat and F. Bach, NeurIPS 2018, section 4.

    Examples
    --------
    >>> from cvxnn.dynamics.particles.teachers import random_teachers
    >>> teacher = random_teachers(2, 2, 2.0, n_teachers=4, bias=False)
    >>> study = width_study(teacher, [1, 8], radius=0.5, n_steps=500, step_size=0.1, batch_size=20, n_test=200)
    >>> bool(study.geometric_mean[1] < 0.1 * study.geometric_mean[0])
    True
    """
    counts = [as_count(width, "widths", 1) for width in widths]
    if not counts:
        raise ValueError("widths must hold a width; got none")
    radius = as_number(radius, "radius")
    seed = as_seed(random_state)
    source = teacher.source(batch_size, n_test=n_test, random_state=seed)
    losses = []
    for width in counts:
        flow = particle_flow(
            source,
            _start(teacher, width, radius, seed, start),
            n_steps=n_steps,
            step_size=step_size,
            activation=teacher.activation,
            record="loss",
            n_records=2,
            random_state=seed,
        )
        losses.append(flow["loss"][-1])
    return WidthStudy(
        np.array(counts),
        _finite_or_infinite(np.array(losses)),
        _baseline(source),
        teacher.weights.n_neurons,
    )


@keep_old_arguments(batch="batch_size")
@on_one_blas_thread
def radius_study(
    teacher: Teacher,
    radii: Any,
    n_particles: int,
    *,
    n_steps: int,
    step_size: Any,
    batch_size: int,
    n_test: int = 10_000,
    n_records: int = 31,
    random_state: Seed = 0,
) -> RadiusStudy:
    """Train students that start on spheres of several radii, all of them side by side on the same inputs.

    Inputs are common to all repetitions and radii, at every step and in the test set; teachers and starts differ. Use
    several seeds for independent shares.

    Parameters
    ----------
    teacher : Teacher
        R teachers, with an activation of degree 1.
    radii : array_like of shape (S,)
        Radii of the starts, which differ in nothing else.
    n_particles : int
        Neurons of a student.
    n_steps, batch_size, n_test
        Steps, fresh samples in each, and test samples.
    step_size : float or array_like of shape (S,)
        Step size, of all or for each radius.
    n_records : int, default 31
        Losses along training, at steps spaced logarithmically; fewer where steps coincide.
    random_state : int, Generator, RandomState or None, default 0
        Seed of starts, samples and test set, each in a stream of its own.

    Returns
    -------
    RadiusStudy

    Raises
    ------
    ValueError
        If an argument is out of range.

    References
    ----------
    Report "On convex neural networks", section 5.3.

    Examples
    --------
    >>> from cvxnn.dynamics.particles.teachers import random_teachers
    >>> teacher = random_teachers(2, 2, 2.0, n_teachers=3)
    >>> study = radius_study(teacher, [0.05, 10.0], 8, n_steps=50, step_size=0.01, batch_size=5, n_test=100)
    >>> study.losses.shape
    (23, 2, 3)
    """
    if teacher.activation.degree != 1:
        raise ValueError(f"teacher must have an activation of degree 1, as ReLU; got {teacher.activation!r}")
    radii, n_particles = as_finite_array(radii, "radii", (1,)), as_count(n_particles, "n_particles", 1)
    if np.any(radii < 0):
        raise ValueError(f"radii must be >= 0; got {radii.tolist()}")
    sizes = as_finite_array(step_size, "step_size", (0, 1))
    if sizes.ndim == 1 and sizes.shape != radii.shape:
        raise ValueError(f"step_size must be a number or {len(radii)} of them; got {step_size!r}")
    seed = as_seed(random_state)
    source = _repeated(teacher.source(batch_size, n_test=n_test, random_state=seed), len(radii))
    unit = _start(teacher, n_particles, 1.0, seed)
    repetitions = unit.n_networks
    flow = particle_flow(
        source,
        Weights(_scaled(unit.hidden, radii), _scaled(unit.output, radii)),
        n_steps=n_steps,
        step_size=np.repeat(np.broadcast_to(sizes, radii.shape), repetitions),
        activation=teacher.activation,
        record="loss",
        n_records=n_records,
        spacing="log",
        random_state=seed,
    )
    losses = flow["loss"].reshape(len(flow.times), len(radii), repetitions)
    return RadiusStudy(
        radii, flow.times, _finite_or_infinite(losses), _baseline(source)[:repetitions], flow.final
    )


def geometric_mean(losses: Array) -> Array:
    """Return the geometric mean over the last axis; infinite where a loss is."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.exp(np.mean(np.log(losses), axis=-1)))


def _start(teacher: Teacher, width: int, radius: float, seed: int, start: Start = "sphere") -> Weights:
    """Return a student for each teacher, with a start whose support separates."""
    if start not in ("sphere", "balanced"):
        raise ValueError(f"start must be 'sphere' or 'balanced'; got {start!r}")
    weights, make = teacher.weights, sphere if start == "sphere" else balanced
    if teacher.activation.degree != 1:
        make = zero_output
    elif start == "balanced":
        radius = radius / np.sqrt(2.0)
    # a seed for each width: with one seed, starts of two widths would be made of the same numbers
    seed = int(np.random.SeedSequence([seed, width]).generate_state(1)[0])
    return make(weights.n_features, width, radius, n_networks=weights.n_networks, random_state=seed)


def _scaled(array: Array, factors: Array) -> Array:
    """Return arrays (B, ...) times each factor, shape (S B, ...)."""
    return np.concatenate([factor * array for factor in factors])


def _repeated(source: FreshSamples, times: int) -> FreshSamples:
    """Return a source whose targets are repeated for as many batches of networks."""

    def tiled(X: Array, y: Array) -> tuple[Array, Array]:
        return X, np.tile(np.atleast_2d(y), (times, 1))

    return FreshSamples(lambda rng: tiled(*source.sampler(rng)), tiled(*source.test))


def _baseline(source: FreshSamples) -> Array:
    return np.asarray(0.5 * np.mean(np.atleast_2d(source.test[1]) ** 2, axis=1))


def _finite_or_infinite(losses: Array) -> Array:
    return np.asarray(np.where(np.isfinite(losses), losses, np.inf))


def _share_below(losses: Array, baseline: Array, threshold: float) -> Array:
    limit = as_number(threshold, "threshold", positive=True) * baseline
    return np.asarray(np.mean(losses < limit, axis=-1))
