"""The optimal set as networks: its elements, what they do elsewhere, and which of them to take."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from cvxnn.landscape.optimal_sets.choice import best_element, minimise_loss, prediction_range
from cvxnn.landscape.optimal_sets.location import Location, location_of
from cvxnn.landscape.optimal_sets.polytope import RANK_TOL, Polytope
from cvxnn.landscape.optimal_sets.supports import SupportSize, largest_support, smallest_support
from cvxnn.losses import Loss
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem
from cvxnn.seeds import Seed, as_generator
from cvxnn.short_reprs import short_repr
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, as_count, as_finite_array, as_finite_data, as_number


@short_repr
@dataclass(frozen=True, eq=False)
class OptimalSet:
    """All optimal networks: ``u_k = sqrt(c_k) v_k``, ``a_k = s_k sqrt(c_k)`` for c in a polytope.

    Statement: for a loss that is strictly convex at the optimal fit, all optimal networks have the same predictions f*
    on X and the same dual variable ``theta = -grad ell(f*)``. Their neurons are balanced and have directions v_k and
    output signs s_k with ``s_k theta^T (X v_k)_+ = beta``, the largest value there is, which one direction a cell and
    sign can have; and ``{c >= 0 : sum_k c_k s_k (X v_k)_+ = f*}`` are all their coefficients, where neurons of equal
    direction and sign are added up. (With an output offset: equal up to a constant, which the offset takes up.)

    Parameters
    ----------
    problem : Problem
        The training problem, of one output.
    scope : {"network", "program"}
        Whether "optimal" means among all networks, or among those that keep to given patterns.
    is_complete : bool
        Whether all directions of the scope are here. False: the known part, directions that were found by a search.
    value : float
        The optimal value p* of the scope; of a known part, the best value found.
    fit : ndarray of shape (n,)
        The predictions f*, offset included.
    dual : ndarray of shape (n,)
        theta.
    directions : ndarray of shape (d, K)
        v_k, unit vectors.
    signs : ndarray of shape (K,)
        s_k.
    polytope : Polytope
        The coefficients, ``c_k = ||u_k|| |a_k|``.
    shortfall : float
        The largest ``1 - s_k theta^T (X v_k)_+ / beta`` of the directions here: how exact fit and dual are.
    separation : float
        The smallest such number among the maximisers left out; 0.01, or twice ``tol``, where all are further than that.
        Directions count as optimal up to ``tol``, which should be far from both.
    tol : float
        That tolerance. A large one takes in directions that are nearly optimal: elements then have the optimal fit and
        an excess of up to `largest_excess`.

    References
    ----------
    A. Mishkin and M. Pilanci, "Optimal sets and solution paths of ReLU networks", ICML 2023, Corollary 4.1 and
    Proposition 4.3; Y. Wang, J. Lacotte, M. Pilanci, "The hidden convex optimization landscape of regularized two-layer
    ReLU networks", ICLR 2022.
    """

    problem: Problem
    scope: Literal["network", "program"]
    is_complete: bool
    value: float
    fit: Array = field(repr=False)  # (n,)
    dual: Array = field(repr=False)  # (n,)
    directions: Array = field(repr=False)  # (d, K)
    signs: Array = field(repr=False)  # (K,)
    polytope: Polytope = field(repr=False)
    shortfall: float
    separation: float
    tol: float

    @property
    def n_directions(self) -> int:
        """Return K."""
        return int(self.signs.shape[0])

    @property
    def largest_excess(self) -> float:
        """Return how far the objective of an element can be above the optimal value: rounding, unless ``tol`` is large.

        A network of the optimal fit exceeds it by ``sum_k c_k (beta - s_k theta^T (X v_k)_+)``.
        """
        if self.n_directions == 0:
            return 0.0
        hidden = np.maximum(self.problem.X @ self.directions, 0.0)
        slack = self.problem.beta - self.signs * (self.dual @ hidden)
        return max(0.0, float(slack @ self.polytope.extreme(-slack)))

    @property
    def dimension(self) -> int:
        """Return the dimension of the set of coefficients."""
        return self.polytope.dimension

    @property
    def is_unique(self) -> bool:
        """Return whether there is one optimal network, up to permutation and splitting of neurons."""
        return self.dimension == 0

    def network(self, coefficients: Any) -> ReLUNetwork:
        """Return the network of coefficients c >= 0, shape (K,): one neuron for each that is positive.

        Raises
        ------
        ValueError
            If the coefficients have a wrong shape or are not in the set to 1e-6.
        """
        c = as_finite_array(coefficients, "coefficients", (1,)) if self.n_directions else np.zeros(0)
        if c.shape != (self.n_directions,):
            raise ValueError(f"coefficients must have shape ({self.n_directions},); got {c.shape}")
        residual = self.polytope.residual(c)
        if residual > 1e-6:
            raise ValueError(
                f"coefficients must be >= 0 and give the optimal fit to 1e-6; they miss it by {residual:.2g}"
            )
        used = c > 0
        roots = np.sqrt(c[used])
        network = ReLUNetwork(self.directions[:, used] * roots, self.signs[used] * roots)
        if not self.problem.output_offset:
            return network
        offset = float(np.mean(self.fit - network.predict(self.problem.X)))
        return ReLUNetwork(network.hidden, network.output, [offset])

    def locate(self, network: ReLUNetwork, *, tol: float = 1e-8) -> Location:
        """Return `cvxnn.landscape.locate` of the set and a network: the name of old, for one release.

        Parameters
        ----------
        network, tol
            As of `cvxnn.landscape.locate`.
        """
        warnings.warn(
            "OptimalSet.locate is now called cvxnn.landscape.locate, of the set and the network; the old name goes "
            "with the next release",
            DeprecationWarning,
            stacklevel=2,
        )
        return location_of(network, self, as_number(tol, "tol", positive=True))

    def contains(self, network: ReLUNetwork, *, tol: float = 1e-8) -> bool:
        """Return whether a network's objective is the optimal value to ``tol``, relative.

        Parameters
        ----------
        network : ReLUNetwork
            Any network that fits the problem.
        tol : float, default 1e-8
            Relative excess over the optimal value that counts as none.
        """
        network = self.problem.fitting(network)
        excess = self.problem.objective(network) - self.value
        return abs(excess) <= as_number(tol, "tol", positive=True) * self.value

    def vertices(self, *, max_vertices: int = 100_000) -> Array:
        """Return the coefficients, shape (V, K), of all optimal networks none of whose neurons can be spared.

        Raises
        ------
        ValueError
            If dimension and number of directions allow more vertices than ``max_vertices``.
        """
        return self.polytope.vertices(max_vertices=max_vertices)

    @on_one_blas_thread
    def smallest_support(self, *, max_seconds: float | None = 10.0) -> SupportSize:
        """Return m*, the fewest neurons of an optimal network, exactly or between bounds where time runs out."""
        return smallest_support(self.polytope, max_seconds=max_seconds)

    def largest_support(self) -> SupportSize:
        """Return M*, the most neurons of an optimal network none of whose neurons can be spared, or bounds."""
        return largest_support(self.polytope)

    @on_one_blas_thread
    def sparsest(self, *, max_seconds: float | None = 10.0) -> ReLUNetwork:
        """Return an optimal network of the fewest neurons: of m*, or the fewest found in time."""
        return self.network(self.smallest_support(max_seconds=max_seconds).coefficients)

    def min_norm(self) -> ReLUNetwork:
        """Return the optimal network of least ``sum_k c_k^2``, which spreads over as many neurons as it can.

        ``sum c`` itself is the same for all.
        """
        return self.network(self.polytope.nearest(np.zeros(self.n_directions)))

    @on_one_blas_thread
    def sample(self, random_state: Seed = 0, *, split: bool = False) -> ReLUNetwork:
        """Return a random optimal network, a mix of up to four vertices.

        Parameters
        ----------
        random_state : int, Generator, RandomState or None, default 0
            Seed.
        split : bool, default False
            Whether to split some neurons into up to three positive multiples, and permute all.
        """
        rng = as_generator(random_state)
        network = self.network(self.polytope.sample(rng))
        return _split(network, rng) if split else network

    def best_on(self, X: Any, y: Any, *, loss: str | Loss | None = None) -> ReLUNetwork:
        """Return the optimal network of least loss on other data, such as a validation part: a convex problem.

        Parameters
        ----------
        X : array_like of shape (N, d)
            Data, with the hidden bias column where the problem has one.
        y : array_like of shape (N,)
            Targets.
        loss : str or Loss, optional
            The loss there; the problem's own by default.
        """
        other = Problem(X, y, self.problem.beta, self.problem.loss if loss is None else loss)
        if other.n_features != self.problem.n_features or other.n_outputs != 1:
            raise ValueError(
                f"X must have {self.problem.n_features} columns and y shape (N,); got {other.X.shape} and "
                f"{other.y.shape}"
            )
        return self.network(minimise_loss(self.polytope, self.activations(other.X), self.base, other.flat()))

    @on_one_blas_thread
    def best(
        self, score: Callable[[ReLUNetwork], float], *, n_samples: int = 64, random_state: Seed = 0
    ) -> ReLUNetwork:
        """Return the network of the highest score among some elements: vertices (all, if few), mixes, the least norm.

        Parameters
        ----------
        score : callable
            ``score(network)``, larger is better, such as accuracy on a validation part.
        n_samples : int, default 64
            Random vertices and mixes to try; all vertices instead where there are at most so many.
        random_state : int, Generator, RandomState or None, default 0
            Seed.
        """
        rng = as_generator(random_state)
        return best_element(self.polytope, self.network, score, as_count(n_samples, "n_samples"), rng)

    def prediction_range(self, X: Any) -> Array:
        """Return the least and the largest prediction of optimal networks at each row of X, shape (N, 2).

        Two linear programs a row; zero width on the training data.
        """
        return prediction_range(self.polytope, self.activations(self._features(X)), self.base)

    def prediction_dimension(self, X: Any) -> int:
        """Return the dimension of the set of predictions on other data: 0 where all optimal networks agree there.

        Often 0 where the dimension of the set is not. Small beta makes ``X^T theta`` zero (a linear part is free), so
        that with every direction its opposite is optimal too; weight moved between such pairs changes f by a linear
        function, which must vanish on X, and then vanishes everywhere if X has full column rank.
        """
        used = self.polytope.used
        if self.dimension == 0:
            return 0
        moves = self.polytope.moves
        columns = self.activations(self._features(X))[:, used]
        scale = float(np.max(np.linalg.norm(columns, axis=0), initial=0.0))
        values = np.linalg.svd(columns @ moves, compute_uv=False)
        return int(np.sum(values > np.sqrt(RANK_TOL) * scale))

    def _features(self, X: Any) -> Array:
        data = np.asarray(as_finite_data(X, "X"))
        if data.shape[1] != self.problem.n_features:
            raise ValueError(f"X must have {self.problem.n_features} columns; got {data.shape[1]}")
        return data

    def activations(self, X: Array) -> Array:
        """Return H with ``f(X) = base + H c``: ``s_k (X v_k)_+``, less its mean on the training data with an offset."""
        hidden = self.signs * np.maximum(X @ self.directions, 0.0)
        if not self.problem.output_offset:
            return np.asarray(hidden)
        own = self.signs * np.maximum(self.problem.X @ self.directions, 0.0)
        return np.asarray(hidden - np.mean(own, axis=0))

    @property
    def base(self) -> float:
        """Return the constant of `activations`: the mean of the fit with an output offset, else 0."""
        return float(np.mean(self.fit)) if self.problem.output_offset else 0.0


def _split(network: ReLUNetwork, rng: np.random.Generator) -> ReLUNetwork:
    """Return the network with neurons split into positive multiples, in random order."""
    pieces = rng.integers(1, 4, network.n_neurons)
    shares = np.concatenate([rng.dirichlet(np.ones(k)) for k in pieces]) if len(pieces) else np.zeros(0)
    order = rng.permutation(len(shares))
    owners, roots = np.repeat(np.arange(network.n_neurons), pieces)[order], np.sqrt(shares[order])
    return ReLUNetwork(network.hidden[:, owners] * roots, network.output[owners] * roots, network.offset)
