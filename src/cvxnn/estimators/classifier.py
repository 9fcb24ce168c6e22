"""Classification with scikit-learn's contract."""

from __future__ import annotations

from typing import Any

from sklearn.utils._param_validation import StrOptions

from cvxnn.estimators.classification import Classification
from cvxnn.estimators.strategies import ReLUEstimator
from cvxnn.seeds import Seed


class ReLUClassifier(Classification, ReLUEstimator):
    """Two-layer ReLU network classification, trained to the global optimum by convex optimisation.

    Minimises ``ell((X U)_+ A + b, y) + beta/2 (||U||^2 + ||A||^2)``, loss summed over samples, over networks of any
    width, and proves how close the result is to the best possible one.

    Parameters
    ----------
    beta : float or "auto", default "auto"
        Weight decay. "auto" means ``beta_ratio`` times the critical beta of the data, from which on the network is
        constant: free of the scale of X and of the number of samples.
    beta_ratio : float or None, default 0.005
        Used when ``beta="auto"``. None chooses among shares from 0.3 down to 0.0001 by the loss on held-out rows, along
        paths of quick descents, before the fit.
    knots : int, "auto" or None, default None
        Quantile intervals a column whose clipped ramps are put beside it before training
        (`cvxnn.encoding.PiecewiseLinearEncoder`): the model is then piecewise linear in each column before its neurons
        see it, and the problem is the one above on the encoded columns. With None there are none;
        "auto" chooses among none, 4 and 10 by the loss on held-out rows.
    loss : str or Loss, default "auto"
        Training loss: "auto" is cross-entropy, that is "logistic" for two classes and "multinomial" for more. With
        "logistic", "squared_hinge" or "hinge" more than two classes have an output each, one class against the rest.
    fit_intercept : bool, default True
        Add a hidden bias, penalised like the other weights, and an unpenalised output offset.
    standardize : bool, default True
        Scale columns of X to mean 0 and variance 1 for training, and fold the scaling back into the network,
        so that ``network_`` takes raw data. Without intercept only variances (about zero) are scaled. With
        ``fit_intercept=False`` and ``standardize=False`` the problem is exactly the one above on X as given.
    class_weight : dict, "balanced" or None, default None
        Weights of classes, which multiply those of samples; "balanced" gives every class the same sum of weights. The
        critical beta that ratios refer to is that of classes weighted by the mean of these weights.
    tol : float, default 1e-2
        Relative gap asked for. 1e-3, the default of `train`, takes two to four times as long on tables, and no test
        score tells the two apart.
    max_seconds : float, optional
        Time limit; the best network so far is kept, with its certificate. At most two fifths of it go to the choice of
        ``beta_ratio`` and ``knots``.
    random_state : int, Generator, RandomState or None, default 0
        Seed of the random starts, and of the rows that are held out to choose by.
    verbose : int, default 0
        1 shows a line of progress on a terminal.

    Attributes
    ----------
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
    beta_ratio_ : float or None
        Its share of the critical one: given, or chosen; None where a beta was given.
    knots_ : int or None
        The knots used: given, or chosen.
    beta_scores_ : dict or None
        What was chosen by: lists "beta_ratio", "knots" and "loss", the mean training loss on held-out rows, in
        standardised units (half the mean squared error, the log loss); None where nothing was to be chosen.
    choice_ : str
        Where ``beta_ratio_`` and ``knots_`` come from, in a sentence: given; chosen, among all or among those that the
        time was enough for; or 0.005 and None, for want of rows or time.
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
    M. Pilanci and T. Ergen, "Neural networks are convex regularizers: exact polynomial-time convex optimization
    formulations for two-layer networks", ICML 2020.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(-1, 1, 20)[:, None]
    >>> y = np.where(np.abs(x[:, 0]) > 0.5, "outer", "inner")
    >>> model = ReLUClassifier().fit(x, y)
    >>> model.predict([[0.0], [0.9]])
    array(['inner', 'outer'], dtype='<U5')
    >>> model.certificate_.proven
    True
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **ReLUEstimator._parameter_constraints,
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        *,
        beta: float | str = "auto",
        beta_ratio: float | None = 0.005,
        knots: int | str | None = None,
        loss: Any = "auto",
        fit_intercept: bool = True,
        standardize: bool = True,
        class_weight: Any = None,
        tol: float = 1e-2,
        max_seconds: float | None = None,
        random_state: Seed = 0,
        verbose: int = 0,
    ) -> None:
        self.beta = beta
        self.beta_ratio = beta_ratio
        self.knots = knots
        self.loss = loss
        self.fit_intercept = fit_intercept
        self.standardize = standardize
        self.class_weight = class_weight
        self.tol = tol
        self.max_seconds = max_seconds
        self.random_state = random_state
        self.verbose = verbose
