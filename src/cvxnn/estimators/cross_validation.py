"""Weight decay chosen by cross-validation along paths that all folds share."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from numpy.typing import NDArray
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import check_scoring, get_scorer_names
from sklearn.model_selection import check_cv
from sklearn.utils._param_validation import Interval, StrOptions

from cvxnn.betas import as_decreasing, equal_factors
from cvxnn.deadlines import Deadline
from cvxnn.estimators.base import Data, NetworkEstimator
from cvxnn.estimators.path import null_network, train_path
from cvxnn.estimators.preparation import Preparation
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem
from cvxnn.seeds import as_random_state
from cvxnn.status_line import StatusLine
from cvxnn.statuses import SolveStatus
from cvxnn.training import TrainingResult, train
from cvxnn.validation import Array

Rows = NDArray[np.intp]

# Share of a time limit for the folds; the rest is for the path and the network on all data.
_FOLDS_SHARE = 0.7
_PATH_SHARE = 0.5
# Share that path and network have at least, whatever the folds took.
_OWED = 0.2
# Why a fold's training at a weight decay ended, where its score tells less than it should.
_CUT_SHORT = SolveStatus.MAX_SECONDS, SolveStatus.EMPTY


@dataclass(frozen=True, eq=False)
class _FoldScores:
    """Scores of one fold at all weight decays, and which of them come from descents that time cut short."""

    scores: Array  # (k,)
    is_cut: NDArray[np.bool_]  # (k,)
    n_empty: int  # of those, without a neuron below the critical weight decay


class CrossValidated(NetworkEstimator):
    """An estimator that chooses its weight decay by cross-validation."""

    beta_ratios: Any
    n_betas: int
    eps: float
    cv: Any
    scoring: Any
    rule: str
    n_jobs: int | None

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **{
            name: constraint
            for name, constraint in NetworkEstimator._parameter_constraints.items()
            if name not in ("beta", "beta_ratio")
        },
        "beta_ratios": ["array-like", None],
        "n_betas": [Interval(Integral, 1, None, closed="left")],
        "eps": [Interval(Real, 0, 1, closed="neither")],
        "cv": ["cv_object"],
        "scoring": [StrOptions(set(get_scorer_names())), callable, None],
        "rule": [StrOptions({"best", "one_se"})],
        "n_jobs": [Integral, None],
    }

    def _choose(self, data: Data, deadline: Deadline) -> Preparation:
        """Set scores of all folds, and the weight decay that they choose; return the problem of all data."""
        prepared = self._prepare(data)
        ratios = equal_factors(self.n_betas, self.eps)
        if self.beta_ratios is not None:
            ratios = as_decreasing(self.beta_ratios, "beta_ratios")
        self.critical_beta_ = prepared.critical_beta(deadline)
        self.betas_ = ratios * (self.critical_beta_.value or 1.0)
        scores = self._scores(data, self.betas_ / prepared.problem.total_weight, deadline)
        if not np.all(np.isfinite(scores)):
            fold = int(np.argwhere(~np.isfinite(scores))[0, 1])
            raise ValueError(
                f"scoring must give finite numbers; it gave NaN or infinity on fold {fold} of cv"
            )
        n_folds = scores.shape[1]
        self.beta_ratios_, self.scores_ = ratios, scores
        self.mean_scores_ = scores.mean(axis=1)
        self.std_scores_ = scores.std(axis=1, ddof=1) if n_folds > 1 else np.zeros(len(scores))
        self.best_index_ = int(np.argmax(self.mean_scores_))
        least = self.mean_scores_[self.best_index_] - self.std_scores_[self.best_index_] / np.sqrt(n_folds)
        self.one_se_index_ = int(np.argmax(self.mean_scores_ >= least))
        self.chosen_index_ = self.best_index_ if self.rule == "best" else self.one_se_index_
        self.beta_ratio_ = float(ratios[self.chosen_index_])
        return prepared

    def _scores(self, data: Data, betas: Array, deadline: Deadline) -> Array:
        """Return the scores of all folds at weight decays per sample, shape (k, n_folds)."""
        splits = list(check_cv(self.cv, data.y, classifier=is_classifier(self)).split(data.X, data.y))
        if not splits:
            raise ValueError(
                "cv must give at least one split; it gave none, as a generator does that has been used: give a list "
                "or a new one"
            )
        scorer = type(self).score if self.scoring is None else check_scoring(self, self.scoring)
        for fold, split in enumerate(splits):
            _require_defined(self._for_a_fold(), data, split, scorer, fold)
        n_jobs, rng = effective_n_jobs(self.n_jobs), as_random_state(self.random_state)
        waves, until = -(-len(splits) // n_jobs), deadline.part(_FOLDS_SHARE)
        most = until.seconds_left / waves

        def seconds(fold: int) -> float | None:
            """Return a fold's share, less where those before took more than theirs."""
            return None if most == np.inf else min(most, until.seconds_left / (waves - fold // n_jobs))

        jobs = (
            delayed(_scores_of_fold)(
                self._for_a_fold(), data, split, betas, scorer, seconds(fold), rng.randint(2**31)
            )
            for fold, split in enumerate(splits)
        )
        folds: list[_FoldScores] = []
        with StatusLine(self.verbose) as line:
            for fold in Parallel(n_jobs=self.n_jobs, return_as="generator")(jobs):
                folds.append(fold)
                line.show(f"{len(folds)} of {len(splits)} folds")
        self._warn_of_cuts(folds)
        return np.column_stack([fold.scores for fold in folds])

    def _warn_of_cuts(self, folds: Sequence[_FoldScores]) -> None:
        """Warn where scores come from networks whose descent the time limit had cut short."""
        n_cut = sum(int(np.sum(fold.is_cut)) for fold in folds)
        if n_cut == 0:
            return
        n_scores, n_empty = sum(len(fold.scores) for fold in folds), sum(fold.n_empty for fold in folds)
        before = f", {n_empty} of them before there was a neuron" if n_empty else ""
        warnings.warn(
            f"{n_cut} of {n_scores} scores come from descents that max_seconds = {self.max_seconds:g} cut short"
            f"{before}: another weight decay may be better than the one chosen; raise max_seconds, or take fewer "
            "weight decays (n_betas, beta_ratios) or folds (cv)",
            ConvergenceWarning,
            stacklevel=6,
        )

    def _for_a_fold(self) -> Self:
        """Return an estimator of the same parameters but ``cv``, which may be a generator, and those have no copies."""
        model: Self = clone(type(self)(**{**self.get_params(deep=False), "cv": None}))
        return model

    def _solve(self, prepared: Preparation, deadline: Deadline) -> tuple[Problem, TrainingResult]:
        """Follow the path down to the chosen weight decay, and train there to the accuracy asked for."""
        rng = as_random_state(self.random_state)
        # Folds may take longer than their share: a network is owed all the same.
        seconds = deadline.limit(at_least=_OWED)
        with StatusLine(self.verbose) as line:
            path = train_path(
                prepared.problem,
                self.betas_[: self.chosen_index_ + 1],
                tol=self.tol,
                max_seconds=None if seconds is None else _PATH_SHARE * seconds,
                random_state=rng,
                quick=True,
                show=line.show,
            )
        self.path_ = path.map_networks(prepared.scaling.to_raw_units)
        if path.results[-1].status is SolveStatus.INTERRUPTED:
            return prepared.problem.with_beta(float(path.betas[-1])), path.results[-1]
        problem = prepared.problem.with_beta(float(self.betas_[self.chosen_index_]))
        return problem, train(
            problem,
            tol=self.tol,
            max_seconds=deadline.limit(at_least=0.5 * _OWED),
            random_state=rng,
            verbose=int(self.verbose),
            start=path.networks[-1],
        )


def _scores_of_fold(
    model: CrossValidated,
    data: Data,
    split: tuple[Rows, Rows],
    betas: Array,
    scorer: Any,
    max_seconds: float | None,
    seed: int,
) -> _FoldScores:
    """Return the scores of a path on some samples, at others; weight decays are per sample."""
    training, held_out = split
    part = data.rows(training)
    prepared = model._prepare(model._check(part.X, part.y, part.sample_weight))
    betas = betas * prepared.problem.total_weight
    path = train_path(
        prepared.problem, betas, tol=model.tol, max_seconds=max_seconds, random_state=seed, quick=True
    )
    if path.results[-1].status is SolveStatus.INTERRUPTED:
        raise KeyboardInterrupt
    part = data.rows(held_out)
    scores = np.empty(len(path))
    for index, result in enumerate(path.results):
        model._keep(prepared.scaling, prepared.problem.with_beta(float(betas[index])), result)
        scores[index] = _score(scorer, model, part)
    statuses = [result.status for result in path.results]
    is_cut = np.array([status in _CUT_SHORT for status in statuses])
    return _FoldScores(scores, is_cut, statuses.count(SolveStatus.EMPTY))


def _require_defined(
    model: CrossValidated, data: Data, split: tuple[Rows, Rows], scorer: Any, fold: int
) -> None:
    """Raise ``ValueError`` if a fold cannot be trained on, or has no score, whatever the network.

    A score may be undefined for one network only, as a correlation is for a constant one: two are scored, one without
    neurons and one of a random neuron.
    """
    training, held_out = split
    part = data.rows(training)
    try:
        prepared = model._prepare(model._check(part.X, part.y, part.sample_weight))
    except ValueError as error:
        raise ValueError(f"fold {fold} of cv cannot be trained on: {error}") from error
    part, found, problem = data.rows(held_out), "NaN or infinity", prepared.problem
    rng = np.random.default_rng(0)
    outputs = problem.y.shape[1:]
    neuron = rng.standard_normal((problem.n_features, 1)), rng.standard_normal((1, *outputs))
    for network in (null_network(problem), ReLUNetwork(*neuron, problem.null_offset())):
        model.network_ = prepared.scaling.to_raw_units(network)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                if np.isfinite(_score(scorer, model, part)):
                    return
        except Exception as error:
            found = str(error)
    raise ValueError(
        f"scoring must give finite numbers on what every fold of cv leaves out; on the {len(part.X)} samples of fold "
        f"{fold} it gives none, whatever the network: {found}"
    )


def _score(scorer: Any, model: CrossValidated, part: Data) -> Any:
    """Return the score of a fitted estimator, with weights where there are any and the scorer takes them."""
    weighted = part.sample_weight is not None and _takes_weights(scorer)
    return scorer(model, part.X, part.y, **({"sample_weight": part.sample_weight} if weighted else {}))


def _takes_weights(scorer: Any) -> bool:
    """Return whether a scorer, or the metric in it, has a ``sample_weight``."""
    metric = getattr(scorer, "_score_func", scorer)
    return "sample_weight" in inspect.signature(metric).parameters
