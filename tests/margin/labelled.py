"""Labelled data for the tests of max margin: any, and orthogonally separable by construction."""

from __future__ import annotations

import numpy as np


def random_data(seed, n, d):
    """Normal rows with random labels: separable with probability one, no two rows being on a line."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)), rng.choice([-1.0, 1.0], n)


def orthogonally_separable(seed, n, d):
    """One class in the positive orthant and the other in the negative one, turned: both classes are there."""
    rng = np.random.default_rng(seed)
    y = np.r_[1.0, -1.0, rng.choice([-1.0, 1.0], n - 2)]
    turn, _ = np.linalg.qr(rng.standard_normal((d, d)))
    sizes = 10.0 ** rng.uniform(-0.5, 0.5, (n, 1))
    return sizes * y[:, None] * rng.uniform(0.02, 1.0, (n, d)) @ turn, y
