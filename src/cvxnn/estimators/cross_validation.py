"""Weight decay chosen by cross-validation along paths that all folds share."""

from __future__ import annotations

import inspect
from numbers import Integral, Real
from typing import Any

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from numpy.typing import NDArray
from sklearn.base import clone, is_classifier
from sklearn.metrics import check_scoring, get_scorer_names
from sklearn.model_selection import check_cv
from sklearn.utils._param_validation import Interval, StrOptions

from cvxnn.certificates import beta_max
from cvxnn.estimators.base import Data, Deadline, NetworkEstimator, Prepared
from cvxnn.estimators.path import as_decreasing, equal_factors, train_path
from cvxnn.problem import Problem
from cvxnn.seeds import as_random_state
from cvxnn.status_line import StatusLine
from cvxnn.training import TrainingResult, TrainingStatus, train
from cvxnn.validation import Array

Rows = NDArray[np.intp]

# Share of a time limit for the folds; the rest is for the path and the network on all data.
_FOLDS_SHARE = 0.7
_PATH_SHARE = 0.5
# Share that path and network have at least, whatever the folds took.
_OWED = 0.2


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

    def _choose(self, data: Data, prepared: Prepared, deadline: Deadline) -> None:
        """Set scores of all folds, and the weight decay that they choose."""
        ratios = equal_factors(self.n_betas, self.eps)
        if self.beta_ratios is not None:
            ratios = as_decreasing(self.beta_ratios, "beta_ratios")
        # A network without neurons is optimal at every beta where the critical one is 0.
        self.betas_ = ratios * (beta_max(prepared.reference) or 1.0)
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

    def _scores(self, data: Data, betas: Array, deadline: Deadline) -> Array:
        """Return the scores of all folds at weight decays per sample, shape (k, n_folds)."""
        splits = list(check_cv(self.cv, data.y, classifier=is_classifier(self)).split(data.X, data.y))
        scorer = type(self).score if self.scoring is None else check_scoring(self, self.scoring)
        seconds = deadline.seconds_left()
        if seconds is not None:
            waves = -(-len(splits) // effective_n_jobs(self.n_jobs))
            seconds *= _FOLDS_SHARE / waves
        rng = as_random_state(self.random_state)
        jobs = (
            delayed(_scores_of_fold)(clone(self), data, split, betas, scorer, seconds, rng.randint(2**31))
            for split in splits
        )
        columns: list[Array] = []
        with StatusLine(self.verbose) as line:
            for column in Parallel(n_jobs=self.n_jobs, return_as="generator")(jobs):
                columns.append(column)
                line.show(f"{len(columns)} of {len(splits)} folds")
        return np.column_stack(columns)

    def _solve(self, prepared: Prepared, deadline: Deadline) -> tuple[Problem, TrainingResult]:
        """Follow the path down to the chosen weight decay, and train there to the accuracy asked for."""
        rng = as_random_state(self.random_state)
        # Folds may take longer than their share: a network is owed all the same.
        seconds = deadline.seconds_left(at_least=_OWED)
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
        problem = prepared.problem.with_beta(float(self.betas_[self.chosen_index_]))
        return problem, train(
            problem,
            tol=self.tol,
            max_seconds=deadline.seconds_left(at_least=0.5 * _OWED),
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
) -> Array:
    """Return the scores of a path on some samples, at others, shape (k,); weight decays are per sample."""
    training, held_out = split
    part = data.rows(training)
    prepared = model._prepare(model._check(part.X, part.y, part.sample_weight))
    betas = betas * prepared.problem.total_weight
    path = train_path(
        prepared.problem, betas, tol=model.tol, max_seconds=max_seconds, random_state=seed, quick=True
    )
    if path.results[-1].status is TrainingStatus.INTERRUPTED:
        raise KeyboardInterrupt
    part = data.rows(held_out)
    weighted = part.sample_weight is not None and _takes_weights(scorer)
    options = {"sample_weight": part.sample_weight} if weighted else {}
    scores = np.empty(len(path))
    for index, result in enumerate(path.results):
        model._keep(prepared.scaling, prepared.problem.with_beta(float(betas[index])), result)
        scores[index] = scorer(model, part.X, part.y, **options)
    return scores


def _takes_weights(scorer: Any) -> bool:
    """Return whether a scorer, or the metric in it, has a ``sample_weight``."""
    metric = getattr(scorer, "_score_func", scorer)
    return "sample_weight" in inspect.signature(metric).parameters
