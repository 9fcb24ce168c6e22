"""Where gradient flow's direction ends: max margin on its own patterns, and how far from the best that is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cvxnn.dynamics import LogisticFlow
from cvxnn.margin.columns import basic_network, solve_blocks
from cvxnn.margin.kkt_points import KKTPoint, kkt
from cvxnn.margin.scaling import scaled_to_margin_one
from cvxnn.margin.widest import MaxMargin, max_margin
from cvxnn.networks import ReLUNetwork
from cvxnn.programs import MaxMarginProgram
from cvxnn.short_reprs import short_repr
from cvxnn.theorems import Comparison, HypothesisError
from cvxnn.units import power_of_four
from cvxnn.validation import require_kind

# A loss of log 2 and more may leave a sample on the wrong side.
_LOG_LOG_2 = math.log(math.log(2.0))
# Of margins and values, relative to them however small.
_SAME = 1e-6


@short_repr
@dataclass(frozen=True, eq=False)
class FlowLimit:
    """The direction that a flow tends to, with its multipliers.

    Parameters
    ----------
    flow : LogisticFlow
        The flow.
    point : KKTPoint
        The limit, scaled to a smallest margin of one: its residual, multipliers, and whether it is global.
    approach : Comparison
        The value of the flow's last network scaled to margin one, beside the limit's, which it comes down to: like
        ``log n`` over the exponent of the loss, or like a small power of that where neurons that the limit does not
        use are slow to fade.
    """

    flow: LogisticFlow
    point: KKTPoint
    approach: Comparison

    @property
    def network(self) -> ReLUNetwork:
        """Return the limit, scaled to a smallest margin of one."""
        return self.point.network

    @property
    def distance(self) -> float:
        """Return the share of the limit's margin that the flow's last network lacks."""
        return 1.0 - self.approach.predicted / self.approach.measured


def flow_limit(flow: LogisticFlow, *, tol: float = 1e-5) -> FlowLimit:
    """Return the limit of a flow's direction: the optimum of max margin on the flow's own patterns.

    Statement
        Once neurons have settled in their closed cells, flow maximises the margin over the networks of these
        patterns and signs, and its direction tends to an optimum of that convex program, which is a KKT point of
        max margin.
    Hypotheses
        The flow separates the data, its loss being below log 2, and its last patterns are final.
    Guarantee
        ``distance`` says how close the flow has come.

    Parameters
    ----------
    flow : LogisticFlow
        A flow that separated its data.
    tol : float, default 1e-5
        As of `kkt`.

    Raises
    ------
    HypothesisError
        If the flow's last loss is log 2 or more, or its last patterns are not final.

    References
    ----------
    K. Lyu and J. Li, ICLR 2020, Theorem 4.4 (limits are KKT points); Y. Wang and M. Pilanci, "The convex geometry of
    backpropagation", ICLR 2022.

    Examples
    --------
    >>> from cvxnn.dynamics.flows.logistic import logistic_flow
    >>> limit = flow_limit(logistic_flow([[2.0, 0.0], [0.0, -1.0]], [1.0, -1.0], n_neurons=8))
    >>> round(limit.point.value, 6), limit.point.is_global
    (1.5, True)
    """
    _require_separating(flow)
    last, y = scaled_to_margin_one(flow.X, flow.y, flow.network), flow.y
    unit = power_of_four(flow.X)
    root = math.sqrt(unit)
    X, U = flow.X / unit, flow.hidden[-1] * root
    # The flow holds a sliding neuron within the width of its kink.
    masks = X @ U >= -2.0 * flow.kink_width * np.linalg.norm(X, axis=1)[:, None] * np.linalg.norm(U, axis=0)
    _, first = np.unique(np.vstack([masks, flow.signs > 0]), axis=1, return_index=True)
    kept = np.sort(first)
    kept = kept[np.any(masks[:, kept], axis=0)]
    program = MaxMarginProgram(X, y, masks[:, kept], flow.signs[kept])
    network, _ = basic_network(solve_blocks(program))
    point = kkt(flow.X, y, ReLUNetwork(network.hidden / root, network.output / root), tol=tol)
    if not point.is_kkt:
        raise HypothesisError(
            f"the flow's last patterns must be final; their optimum is no KKT point, with a residual of "
            f"{point.residual:.3g}: follow the flow further, with a larger loss_exponent"
        )
    approach_tol = 10.0 * flow.kink_width * min(1.0, point.value)
    return FlowLimit(flow, point, Comparison(last.weight_decay, point.value, "at least", tol=approach_tol))


def _require_separating(flow: LogisticFlow) -> None:
    """Raise `HypothesisError` unless the flow's last loss tells that every sample is on its side."""
    require_kind(flow, LogisticFlow, "flow", "logistic_flow(X, y) makes one")
    if not flow.log_losses[-1] < _LOG_LOG_2:
        margins = flow.y * flow.network.predict(flow.X)
        worst = int(np.argmin(margins))
        raise HypothesisError(
            "the flow must separate the data, with a loss below log 2; its last is "
            f"{math.exp(flow.log_losses[-1]):.6g}, with a margin of {margins[worst] + 0.0:.6g} at sample {worst}: "
            f"{flow.status.value}"
        )


@short_repr
@dataclass(frozen=True, eq=False)
class FlowComparison:
    """The direction that gradient flow reaches beside the one of largest margin.

    Parameters
    ----------
    limit : FlowLimit
        Where the flow goes.
    best : MaxMargin
        The optimum over all networks.
    """

    limit: FlowLimit
    best: MaxMargin

    @property
    def margin(self) -> Comparison:
        """Return the margin of the flow's limit beside the largest there is, both at ``1/2 ||theta||^2 = 1``."""
        tol = _SAME * min(1.0, self.best.margin)
        return Comparison(1.0 / self.limit.point.value, self.best.margin, "at most", tol)

    @property
    def shortfall(self) -> float:
        """Return the share of the largest margin that the flow's limit lacks; 0 where it is global."""
        return 1.0 - self.best.value / self.limit.point.value

    @property
    def correspondence(self) -> Comparison:
        """Return the value of the limit beside the optimum, related as its multipliers say.

        Statement: a KKT point is global if and only if a multiplier of it is dual feasible. "equal" where one is;
        else the multipliers' bound ``sum_i lam_i / Phi`` is below the value, and so is the optimum.
        """
        point = self.limit.point
        if point.is_global:
            return Comparison(point.value, self.best.value, tol=_SAME * min(1.0, self.best.value))
        return Comparison(self.best.value, point.value * (1.0 - self.limit.point.tol), "at most", tol=0.0)


def compare_flow(flow: LogisticFlow, *, tol: float = 1e-5) -> FlowComparison:
    """Return the limit of a flow's direction beside the network of largest margin.

    Statement
        On orthogonally separable data, flow from a small balanced start tends to a network of largest margin. In
        general it tends to a KKT point, which falls short unless its multipliers are dual feasible.
    Hypotheses
        As of `flow_limit`.

    Parameters
    ----------
    flow : LogisticFlow
        A flow that separated its data.
    tol : float, default 1e-5
        As of `kkt`.

    Raises
    ------
    HypothesisError
        If the flow's last loss is log 2 or more, or its last patterns are not final.

    References
    ----------
    Y. Wang and M. Pilanci, "The convex geometry of backpropagation", ICLR 2022.

    Examples
    --------
    >>> from cvxnn.dynamics.flows.logistic import logistic_flow
    >>> compared = compare_flow(logistic_flow([[2.0, 0.0], [0.0, -1.0]], [1.0, -1.0], n_neurons=8))
    >>> round(compared.shortfall, 6) + 0.0, compared.correspondence.holds
    (0.0, True)
    """
    return FlowComparison(flow_limit(flow, tol=tol), max_margin(flow.X, flow.y))
