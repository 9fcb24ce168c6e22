"""Classification with the weight decay chosen by cross-validation."""

from __future__ import annotations

from typing import Any

from sklearn.utils._param_validation import StrOptions

from cvxnn.estimators.classification import Classification
from cvxnn.estimators.cross_validation import CrossValidated
from cvxnn.seeds import Seed


class ReLUClassifierCV(Classification, CrossValidated):
    """`ReLUClassifier` with its weight decay chosen by cross-validation.

    In every fold a path of networks is descended from the largest weight decay down, each from the one before, and
    scored on the samples left out. At the weight decay that does best a network is trained on all data, to the
    accuracy asked for and with a certificate.

    Parameters
    ----------
    beta_ratios : array_like of shape (k,), optional
        Weight decays to choose from, decreasing, in units of the critical beta of all samples, from which on the
        network is constant; a fold has the same weight decays per sample. By default ``n_betas`` of them from 1 down,
        in equal factors.
    n_betas : int, default 20
        How many.
    eps : float, default 1e-3
        The last over the first, in (0, 1).
    cv : int, splitter or iterable of splits, default 5
        Folds, as in scikit-learn; all weight decays share them. Groups: ``cv=list(GroupKFold().split(X, y, groups))``.
    scoring : str or callable, optional
        What is maximised; by default accuracy. Sample weights are passed on to scores that take them.
    rule : {"best", "one_se"}, default "best"
        "best" takes the highest mean score. "one_se" takes the largest weight decay whose mean score is at least the
        highest less its standard error: a smaller network for much the same score.
    n_jobs : int, optional
        Folds at a time, as in joblib.
    knots : int or None, default None
        Quantile intervals a column whose clipped ramps are put beside it before training
        (`cvxnn.encoding.PiecewiseLinearEncoder`): the model is then piecewise linear in each column before its neurons
        see it, and the problem is the one above on the encoded columns. With None there are none.
    loss : str or Loss, default "auto"
        Training loss: "auto" is cross-entropy, that is "logistic" for two classes and "multinomial" for more. With
        "logistic", "squared_hinge" or "hinge" more than two classes have an output each, one class against the rest.
    fit_intercept : bool, default True
        Add a hidden bias, penalised like the other weights, and an unpenalised output offset.
    standardize : bool, default True
        Scale columns of X to mean 0 and variance 1 for training, and fold the scaling back into the network,
        so that ``network_`` takes raw data. Without intercept only variances (about zero) are scaled. With
        ``fit_intercept=False`` and ``standardize=False`` the problem is exactly that of `ReLUClassifier` on X as given.
    class_weight : dict, "balanced" or None, default None
        Weights of classes, which multiply those of samples; "balanced" gives every class the same sum of weights. The
        critical beta that ratios refer to is that of classes weighted by the mean of these weights.
    tol : float, default 1e-2
        Relative gap asked for. 1e-3, the default of `train`, takes two to four times as long on tables, and no test
        score tells the two apart.
    max_seconds : float, optional
        Time limit of the whole fit: about two thirds for the folds, each weight decay of a path with an equal share,
        the rest for all data. What ran out of time counts with the best network so far, and a ``ConvergenceWarning``
        says how many scores that are.
    random_state : int, Generator, RandomState or None, default 0
        Seed of the random starts.
    verbose : int, default 0
        1 shows a line of progress on a terminal.

    Attributes
    ----------
    beta_ratios_, betas_ : ndarray of shape (k,)
        The weight decays in units of the critical one, and of the problem on all data.
    scores_ : ndarray of shape (k, n_folds)
        Score of each weight decay on each fold.
    mean_scores_, std_scores_ : ndarray of shape (k,)
        Mean and standard deviation (with ``n_folds - 1``) over the folds.
    best_index_, one_se_index_, chosen_index_ : int
        The weight decay of the highest mean, the one by the rule of one standard error, and the one taken.
    beta_ratio_ : float
        The ratio taken.
    path_ : RegularisationPath
        The path on all data down to the weight decay taken, by descent alone as the folds' are (`relu_path` with
        ``quick``); its networks are in raw units.
    network_ : ReLUNetwork
        The trained network in raw units. Its inputs are the columns of X, with ``knots`` those that ``encoder_`` makes
        of them, then a column of ones if ``fit_intercept``.
    encoder_ : PiecewiseLinearEncoder or None
        The fixed map from the columns of X to those of the network; None where ``knots`` is.
    problem_ : Problem
        The problem that was solved, in standardised units, on encoded columns with ``knots``.
    result_ : TrainingResult
        The result of training on ``problem_``: network in standardised units, certificate, status, history.
    certificate_ : Certificate
        What is proved about the solution of ``problem_``.
    objective_, lower_bound_, gap_ : float
        Of ``certificate_``.
    history_ : tuple of TrainingRecord
        One record a round of training, ``n_iter_`` of them.
    beta_ : float
        The weight decay used.
    critical_beta_ : CriticalBeta or None
        What ``beta="auto"`` refers to: ``value``, and ``is_exact``, False where it is the largest value that was found
        (`cvxnn.certificates.estimate_beta_max`). None where a beta was given.
    loss_ : Loss
        The loss used.
    classes_ : ndarray of shape (K,)
        The classes, ascending.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of str
        Names of the columns, where X had any.

    Notes
    -----
    Samples that occur more than once are merged into one of greater weight where weights are given or at least half
    of the samples are repeats; the problem stays the same.

    References
    ----------
    T. Hastie, R. Tibshirani, J. Friedman, "The Elements of Statistical Learning", 2009, section 7.10 (the rule of
    one standard error).

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(-1, 1, 20)[:, None]
    >>> y = np.where(np.abs(x[:, 0]) > 0.5, "outer", "inner")
    >>> model = ReLUClassifierCV(n_betas=5).fit(x, y)
    >>> model.predict([[0.0], [0.9]])
    array(['inner', 'outer'], dtype='<U5')
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **CrossValidated._parameter_constraints,
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        *,
        beta_ratios: Any = None,
        n_betas: int = 20,
        eps: float = 1e-3,
        cv: Any = 5,
        scoring: Any = None,
        rule: str = "best",
        n_jobs: int | None = None,
        knots: int | None = None,
        loss: Any = "auto",
        fit_intercept: bool = True,
        standardize: bool = True,
        class_weight: Any = None,
        tol: float = 1e-2,
        max_seconds: float | None = None,
        random_state: Seed = 0,
        verbose: int = 0,
    ) -> None:
        self.beta_ratios = beta_ratios
        self.n_betas = n_betas
        self.eps = eps
        self.cv = cv
        self.scoring = scoring
        self.rule = rule
        self.n_jobs = n_jobs
        self.knots = knots
        self.loss = loss
        self.fit_intercept = fit_intercept
        self.standardize = standardize
        self.class_weight = class_weight
        self.tol = tol
        self.max_seconds = max_seconds
        self.random_state = random_state
        self.verbose = verbose
