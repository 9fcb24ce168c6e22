"""The regularisation path of training: networks for decreasing weight decay, each started from the one before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.betas import as_decreasing, equal_factors, require_critical
from cvxnn.certificates import Certificate, Rotation, beta_max, certify_until_interrupt
from cvxnn.deadlines import Deadline
from cvxnn.losses import Loss
from cvxnn.names import keep_old_arguments
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import OutputNorm, Problem
from cvxnn.seeds import Seed, as_random_state
from cvxnn.status_line import StatusLine
from cvxnn.statuses import SolveStatus
from cvxnn.threads import on_one_blas_thread
from cvxnn.training import TrainingResult, descend_along_path, train
from cvxnn.validation import Array


@dataclass(frozen=True, eq=False)
class RegularisationPath:
    """Trained networks for decreasing weight decays.

    Parameters
    ----------
    betas : ndarray of shape (k,)
        Weight decays, decreasing.
    results : tuple of TrainingResult
        What training gave at each: network, certificate, status, history.
    seconds : ndarray of shape (k,)
        Wall time of each, certificates that were asked for included.
    """

    betas: Array  # (k,)
    results: tuple[TrainingResult, ...]
    seconds: Array  # (k,)

    @property
    def networks(self) -> tuple[ReLUNetwork, ...]:
        """Return the network at each beta."""
        return tuple(result.network for result in self.results)

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        """Return what is proved at each beta."""
        return tuple(result.certificate for result in self.results)

    @property
    def objectives(self) -> Array:
        """Return the training objective at each beta, penalty included, shape (k,)."""
        return np.array([certificate.objective for certificate in self.certificates])

    @property
    def n_neurons(self) -> NDArray[np.int64]:
        """Return the number of neurons at each beta, shape (k,)."""
        return np.array([network.n_neurons for network in self.networks], dtype=np.int64)

    def map_networks(self, change: Callable[[ReLUNetwork], ReLUNetwork]) -> RegularisationPath:
        """Return the path with every network replaced by a function of it; certificates stay as they are."""
        results = tuple(replace(result, network=change(result.network)) for result in self.results)
        return RegularisationPath(self.betas, results, self.seconds)

    def __len__(self) -> int:
        return len(self.results)

    def __repr__(self) -> str:
        neurons = self.n_neurons
        return (
            f"RegularisationPath({len(self)} betas from {self.betas[0]:.4g} to {self.betas[-1]:.4g}, "
            f"{neurons[0]} to {neurons[-1]} neurons)"
        )


@keep_old_arguments(eps="ratio")
@on_one_blas_thread
def relu_path(
    X: Any,
    y: Any,
    *,
    betas: Any = None,
    n_betas: int = 50,
    ratio: float = 1e-3,
    loss: str | Loss = "squared",
    output_offset: bool = False,
    sample_weight: Any = None,
    output_norm: OutputNorm = "l2",
    tol: float = 1e-3,
    max_seconds: float | None = None,
    random_state: Seed = 0,
    quick: bool = False,
    certify: bool = False,
    verbose: int = 0,
) -> RegularisationPath:
    """Train networks for decreasing weight decays, each started from the one before.

    The problem at every beta is exactly that of `Problem`: data are taken as they are, without scaling or bias.

    Parameters
    ----------
    X, y, loss, output_offset, sample_weight, output_norm
        As in `Problem`.
    betas : array_like of shape (k,), optional
        Weight decays, decreasing and > 0. By default ``n_betas`` of them from `beta_max` down, in equal factors.
    n_betas : int, default 50
        How many, at least 1.
    ratio : float, default 1e-3
        The last weight decay over the first, in (0, 1).
    tol : float, default 1e-3
        Relative gap asked for, at each beta.
    max_seconds : float, optional
        Time limit of the whole path. What is left of it is shared equally by the betas that are left, so that all
        have a network; those that ran out of time say so in their status.
    random_state : int, Generator, RandomState or None, default 0
        Seed of the random starts.
    quick : bool, default False
        Only descend at each beta, from the network of the one before with fresh neurons, rather than train until a
        search finds no direction that violates the dual by more than ``tol``. Ten times faster or more; objectives
        are within about a hundredth of the best, at a thousandth of the critical beta a few hundredths (classes: up to
        a tenth); networks are not pruned, and nothing is proved.
    certify : bool, default False
        Prove a lower bound at each beta as `cvxnn.certify` does, in up to ten seconds each where no exact proof is
        affordable. Otherwise certificates hold what training proved by the way.
    verbose : int, default 0
        1 shows a line of progress on a terminal.

    Returns
    -------
    RegularisationPath
        Shorter than ``betas`` only after a keyboard interrupt.

    Raises
    ------
    ValueError
        As `Problem` and `train`; if ``betas`` are not decreasing numbers > 0, or where they are to be chosen and
        every beta gives the network without neurons.

    References
    ----------
    J. Friedman, T. Hastie, R. Tibshirani, "Regularization paths for generalized linear models via coordinate
    descent", J. Stat. Softw. 2010, section 2.5 (warm starts from the largest weight decay down).

    Examples
    --------
    >>> path = relu_path([[1.0], [-1.0]], [2.0, 1.0], n_betas=3, ratio=0.36)
    >>> path.betas, path.n_neurons
    (array([2.  , 1.2 , 0.72]), array([0, 1, 2]))
    >>> path.objectives.round(4)  # beta (2 - beta) + 1/2 beta^2 where beta < 2, and the same of 1
    array([2.5   , 2.18  , 1.6416])
    """
    problem = Problem(X, y, 0.0, loss, output_offset, sample_weight, output_norm)
    values = _grid(problem, n_betas, ratio) if betas is None else as_decreasing(betas, "betas")
    with StatusLine(verbose) as line:
        return train_path(
            problem,
            values,
            tol=tol,
            max_seconds=max_seconds,
            random_state=random_state,
            quick=quick,
            prove=certify,
            show=line.show,
        )


def train_path(
    problem: Problem,
    betas: Array,
    *,
    tol: float,
    max_seconds: float | None = None,
    random_state: Seed = 0,
    quick: bool = False,
    prove: bool = False,
    show: Callable[[str], None] | None = None,
) -> RegularisationPath:
    """Train a problem at decreasing weight decays; parameters are those of `relu_path`.

    ``show``, where given, is called with a line of text for each beta.
    """
    deadline = Deadline.after(max_seconds)
    walk, results, seconds = PathWalk(problem, tol=tol, random_state=random_state, quick=quick), [], []
    for number, beta in enumerate(betas):
        at_this = deadline.share(1 / (len(betas) - number))
        # Never quite zero: then too the network of the beta before is looked at and kept.
        result = walk.step_to(float(beta), at_this.limit(), prove)
        results.append(result)
        seconds.append(at_this.elapsed)
        if show is not None:
            n_neurons = result.network.n_neurons
            show(f"beta {number + 1} of {len(betas)}  {beta:.4g}  neurons {n_neurons}")
        if result.status is SolveStatus.INTERRUPTED:
            break
    return RegularisationPath(betas[: len(results)], tuple(results), np.array(seconds))


class PathWalk:
    """A path on the way: each network starts from the one before.

    Parameters are those of `relu_path`; ``max_iterations`` is of each quick descent.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        tol: float,
        random_state: Seed,
        quick: bool,
        max_iterations: int | None = None,
    ) -> None:
        self._rotation = Rotation.of(problem)  # once: at every beta the coordinates are the same
        self._tol, self._rng, self._quick = tol, as_random_state(random_state), quick
        self._network = null_network(self._rotation.problem)
        self._beta, self._max_iterations = np.inf, max_iterations

    def step_to(self, beta: float, max_seconds: float | None, prove: bool = False) -> TrainingResult:
        """Return what training gives at a weight decay below the one before, within a time limit."""
        at_beta, seed = self._rotation.with_beta(beta), self._rng.randint(2**31)
        if self._quick:
            result = descend_along_path(
                at_beta.problem,
                self._network,
                step=beta / self._beta,
                tol=self._tol,
                max_seconds=max_seconds,
                random_state=seed,
                max_iterations=self._max_iterations,
            )
        else:
            result = train(
                at_beta.problem,
                tol=self._tol,
                max_seconds=max_seconds,
                random_state=seed,
                start=self._network,
                prove=False,
            )
        if prove and not result.certificate.proven:
            result = _proved(at_beta.problem, result, self._tol)
        self._network, self._beta = result.network, beta
        return result.rotated_back(at_beta)


def _grid(problem: Problem, n_betas: int, ratio: float) -> Array:
    factors = equal_factors(n_betas, ratio)  # refused before the critical weight decay is looked for
    critical = beta_max(problem)
    require_critical(critical)
    return critical * factors


def null_network(problem: Problem) -> ReLUNetwork:
    """Return the network without neurons, its offset the best one."""
    output = np.zeros((0, *problem.y.shape[1:]))
    return ReLUNetwork(np.zeros((problem.n_features, 0)), output, problem.null_offset())


def _proved(problem: Problem, result: TrainingResult, tol: float) -> TrainingResult:
    """Return the result with the better of two certificates: training's, and that of `certify`."""
    certificate, interrupted = certify_until_interrupt(problem, result.network, tol=tol)
    better = certificate.lower_bound > result.certificate.lower_bound
    status = SolveStatus.PROVEN if better and certificate.proven else result.status
    return replace(
        result,
        certificate=certificate if better else result.certificate,
        status=SolveStatus.INTERRUPTED if interrupted else status,
    )
