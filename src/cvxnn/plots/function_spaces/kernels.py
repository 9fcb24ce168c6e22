"""Pictures of F_2: kernels against the angle with random features, and both norms of one neuron."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cvxnn.function_spaces import ArcCosineKernel, NeuronNorms, ReLURandomFeatures
from cvxnn.function_spaces.kernels.arc_cosine import DEGREES
from cvxnn.plots.canvas import BLACK, BLUE, GREEN, GREY, VERMILLION, axes_or_new, draw_legend_above, frame
from cvxnn.seeds import Seed
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array, as_count, require_kind

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = {0: GREEN, 1: BLUE, 2: VERMILLION}


@short_repr
@dataclass(frozen=True, eq=False)
class KernelProfiles:
    """Kernels of unit vectors against their angle, over the value at angle 0.

    Parameters
    ----------
    angles : ndarray of shape (k,)
        Angles from 0 to pi.
    kernels : ndarray of shape (3, k)
        ``J_k(t) / J_k(0)`` for k = 0, 1, 2.
    estimates : ndarray of shape (3, k)
        The same from inner products of random features.
    n_components : int
        Random neurons of each estimate.
    """

    angles: Array  # (k,)
    kernels: Array  # (3, k)
    estimates: Array  # (3, k)
    n_components: int

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the kernels as lines and the estimates as points.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib.axes.Axes
        """
        ax = axes_or_new(ax, (6.4, 4.4))
        frame(ax)
        for degree, kernel, estimate in zip(DEGREES, self.kernels, self.estimates, strict=True):
            ax.plot(self.angles, kernel, color=_COLOURS[degree], linewidth=1.8, label=f"kernel, k = {degree}")
            ax.plot(self.angles, estimate, ".", color=_COLOURS[degree], markersize=4, alpha=0.6)
        ax.plot([], [], ".", color=GREY, label=f"{self.n_components} random neurons")
        ax.set_xticks(np.pi * np.arange(5) / 4, ["0", "π/4", "π/2", "3π/4", "π"])
        ax.set_xlabel("angle between the samples, radians")
        ax.set_ylabel("kernel over its value at angle 0")
        draw_legend_above(ax)
        return ax


def kernel_profiles(
    n_components: int = 500, *, n_inputs: int = 3, n_angles: int = 65, random_state: Seed = 0
) -> KernelProfiles:
    """Compute the kernels of k = 0, 1, 2 on a half circle, in closed form and from random features.

    Parameters
    ----------
    n_components : int, default 500
        Random neurons.
    n_inputs : int, default 3
        Dimension of the samples, at least 2; the closed forms do not depend on it.
    n_angles : int, default 65
        Points of each curve, at least 2.
    random_state : int, Generator, RandomState or None, default 0
        Seed of the neurons.

    Returns
    -------
    KernelProfiles
        Arrays, with ``.plot(ax=None)``.

    Examples
    --------
    >>> profiles = kernel_profiles()
    >>> profiles.kernels[:, 32].round(4)  # at a right angle
    array([0.5   , 0.3183, 0.1667])
    """
    angles = np.linspace(0.0, np.pi, as_count(n_angles, "n_angles", 2))
    samples = np.zeros((len(angles), as_count(n_inputs, "n_inputs", 2)))
    samples[:, 0], samples[:, 1] = np.cos(angles), np.sin(angles)
    kernels, estimates = [], []
    for degree in DEGREES:
        features = ReLURandomFeatures(n_components, degree=degree, bias=False, random_state=random_state)
        Phi = features.fit_transform(samples)
        row = ArcCosineKernel(degree).gram(samples[:1], samples)[0]
        kernels.append(row / row[0])
        estimates.append(Phi @ Phi[0] / row[0])
    return KernelProfiles(angles, np.array(kernels), np.array(estimates), n_components)


@short_repr
@dataclass(frozen=True, eq=False)
class NormGrowth:
    """Both norms of one neuron against the size of the sample.

    Parameters
    ----------
    sizes : ndarray of int, shape (k,)
        Samples.
    gamma_1, lower_bounds, gamma_2 : ndarray of shape (k,)
        The norms, the first from both sides.
    slope : float
        Fitted exponent of gamma_2.
    """

    sizes: NDArray[np.int64]  # (k,)
    gamma_1: Array  # (k,)
    lower_bounds: Array  # (k,)
    gamma_2: Array  # (k,)
    slope: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the norms on log-log axes, with a line of slope 1/2 through the last gamma_2.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib.axes.Axes
        """
        ax = axes_or_new(ax, (6.4, 4.4))
        frame(ax)
        n = self.sizes
        label = f"γ₂ (F₂), fitted slope {self.slope:.2f}"
        ax.plot(n, self.gamma_2, "o-", color=VERMILLION, markersize=4, label=label)
        ax.plot(n, self.gamma_2[-1] * np.sqrt(n / n[-1]), "--", color=GREY, linewidth=1.0, label="slope 1/2")
        ax.fill_between(n, self.lower_bounds, self.gamma_1, color=BLUE, alpha=0.2, linewidth=0)
        ax.plot(n, self.gamma_1, "o-", color=BLUE, markersize=4, label="γ₁ (F₁), band to its lower bound")
        ax.set_xscale("log", base=2)
        ax.set_yscale("log", base=2)
        ax.set_xticks(n, [str(size) for size in n])
        ax.yaxis.set_major_formatter("{x:g}")
        ax.axhline(1.0, color=BLACK, linewidth=0.5)
        ax.set_xlabel("samples n")
        ax.set_ylabel("norm of the neuron's values")
        draw_legend_above(ax)
        return ax


def norm_growth(norms: NeuronNorms) -> NormGrowth:
    """Compute the picture of a neuron's norms, each over the neuron's own.

    Parameters
    ----------
    norms : NeuronNorms
        Of `neuron_norms`.

    Returns
    -------
    NormGrowth
        Arrays, with ``.plot(ax=None)``.

    Examples
    --------
    >>> from cvxnn.function_spaces.comparisons.single_neuron import neuron_norms
    >>> X = np.random.default_rng(0).standard_normal((32, 2))
    >>> picture = norm_growth(neuron_norms(X, [0.0, 2.0], [8, 16, 32]))
    >>> picture.gamma_1.round(4)
    array([1., 1., 1.])
    """
    norms = require_kind(norms, NeuronNorms, "norms")
    unit = norms.length
    return NormGrowth(
        norms.sizes, norms.gamma_1 / unit, norms.lower_bounds / unit, norms.gamma_2 / unit, norms.slope
    )
