"""Neurons as half-space rules: where each of them is active, and what it adds there."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.interpretation.wording import aligned, number_text, number_text_to, percent_text
from cvxnn.validation import Array

if TYPE_CHECKING:
    import pandas as pd

_NUMBERS = ("neuron", "active", "mean", "share")  # columns of the printed table


@dataclass(frozen=True, eq=False)
class NetworkRules:
    """A network's neurons as half-space rules, the most important first. Made by ``network.describe``.

    A neuron's hidden weight is divided by the coefficient of its leading feature, the one that matters most. It is
    then active where ``c^T x`` is above (or below) a threshold t in units of the leading feature, and adds
    ``slope |c^T x - t|`` to the outputs there, nothing elsewhere. A gated neuron's gate is written in this way, and it
    adds ``slope (q^T x - r)``, its hidden weight divided by the coefficient of its own leading feature. Neurons of
    weight zero are left out.

    Parameters
    ----------
    neurons : ndarray of shape (k,)
        Which neurons of the network.
    coefficients : ndarray of shape (k, d)
        c, with 1 at the leading feature. Zero for a neuron that looks at no feature: then t is -1, so that it is
        active everywhere or, where ``above`` is False, nowhere.
    thresholds : ndarray of shape (k,)
        t.
    above : ndarray of shape (k,), bool
        Whether the neuron is active above the threshold, not below it.
    slopes : ndarray of shape (k, C)
        What one unit of the leading feature adds to each output.
    factors : ndarray of shape (k, d) or None
        q; None for a ReLU network, whose neurons are their own gates.
    factor_thresholds : ndarray of shape (k,) or None
        r.
    importance : ndarray of shape (k,)
        With data, the standard deviation over the samples of what the neuron adds, ``||a|| std((X u)_+)``: how much
        it moves predictions. Without data, its weight ``||u|| ||a||``, which depends on the units of the features.
    active : ndarray of shape (k,) or None
        Share of the samples at which the neuron is active; None without data.
    mean : ndarray of shape (k, C) or None
        What it adds on average over all samples. These means and the offset add up to the mean prediction.
    offset : ndarray of shape (C,)
        The network's output offset.
    conditions, effects : tuple of str
        The rules in words, with rounded numbers.
    feature_names, target_names : tuple of str
        Names of the d features, without the hidden bias, and of the C outputs.
    n_samples : int
        Samples of the data; 0 without data.
    top : int
        How many rules are printed.

    Examples
    --------
    >>> from cvxnn.networks import ReLUNetwork
    >>> network = ReLUNetwork([[2.0, -1.0], [1.0, 0.0], [-50.0, 18.0]], [1.5, -3.0], [20.0])
    >>> print(network.describe(["age", "weight"]))
    output = 20.00, and what 2 neurons add:
    <BLANKLINE>
    neuron  where                       adds                  share
         0  age + 0.500 weight > 25.00  +3.00 per unit above    58%
         1  age < 18.00                 -3.00 per unit below    42%
    <BLANKLINE>
    per unit: of the first feature named, the others fixed
    share: of the sum of ||u|| ||a||, which depends on the units of the features
    """

    neurons: NDArray[np.int64]  # (k,)
    coefficients: Array  # (k, d)
    thresholds: Array  # (k,)
    above: NDArray[np.bool_]  # (k,)
    slopes: Array  # (k, C)
    factors: Array | None  # (k, d)
    factor_thresholds: Array | None  # (k,)
    importance: Array  # (k,)
    active: Array | None  # (k,)
    mean: Array | None  # (k, C)
    offset: Array  # (C,)
    conditions: tuple[str, ...]  # k
    effects: tuple[str, ...]  # k
    feature_names: tuple[str, ...]  # d
    target_names: tuple[str, ...]  # C
    n_samples: int
    top: int

    def __len__(self) -> int:
        return len(self.neurons)

    @property
    def shares(self) -> Array:
        """Return importance as shares of the sum over all neurons, shape (k,); zero where all are zero."""
        total = float(self.importance.sum())
        return self.importance / total if total > 0 else np.zeros_like(self.importance)

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each neuron: its rule in words, then its numbers in full."""
        import pandas as pd

        columns: dict[str, Any] = {"where": self.conditions, "adds": self.effects}
        columns |= {"threshold": self.thresholds, **self._by_target("slope", self.slopes)}
        if self.active is not None:
            columns["active"] = self.active
        if self.mean is not None:
            columns |= self._by_target("mean", self.mean)
        columns |= {"importance": self.importance, "share": self.shares}
        return pd.DataFrame(columns, index=pd.Index(self.neurons, name="neuron"))

    def coefficients_frame(self) -> pd.DataFrame:
        """Return the coefficients in full, one row for each neuron and one column for each feature."""
        import pandas as pd

        index = pd.Index(self.neurons, name="neuron")
        return pd.DataFrame(self.coefficients, index=index, columns=list(self.feature_names))

    def _by_target(self, name: str, values: Array) -> dict[str, Array]:
        if len(self.target_names) == 1:
            return {name: values[:, 0]}
        return {f"{name}, {target}": values[:, c] for c, target in enumerate(self.target_names)}

    def __str__(self) -> str:
        if len(self) == 0:
            return self._lead()
        rows = [self._header(), *(self._row(k) for k in range(min(self.top, len(self))))]
        return "\n".join(
            [self._lead(), "", *aligned(rows, right=_NUMBERS), *self._rest(), "", *self._notes()]
        )

    def __repr__(self) -> str:
        neurons = f"{len(self)} neuron" + ("" if len(self) == 1 else "s")
        return (
            f"NetworkRules({neurons}, {len(self.feature_names)} features, {len(self.target_names)} outputs)"
        )

    def _repr_html_(self) -> str:
        table = self.to_frame().head(self.top).to_html(float_format=number_text)
        lines = (html.escape(line) for line in [self._lead(), *self._rest()])
        return f"{table}<p>{'<br>'.join(lines)}</p>"

    def _lead(self) -> str:
        offsets = zip(self.target_names, self.offset, strict=True)
        constants = ", ".join(f"{name} = {number_text(float(value), 4)}" for name, value in offsets)
        if len(self) == 0:
            return f"{constants}: a constant, no neurons"
        return f"{constants}, and what " + (
            "this neuron adds:" if len(self) == 1 else f"{len(self)} neurons add:"
        )

    @property
    def _resolution(self) -> float:
        """Return to what the means are printed: all to the same decimal, the largest to three digits or four."""
        largest = 0.0 if self.mean is None else float(np.abs(self.mean).max(initial=0.0))
        return 0.01 * largest or 1.0

    def _header(self) -> list[str]:
        header = ["neuron", "where", "adds"]
        if self.active is not None:
            header += ["active", "mean"] if len(self.target_names) == 1 else ["active"]
        return [*header, "share"]

    def _row(self, k: int) -> list[str]:
        row = [str(self.neurons[k]), self.conditions[k], self.effects[k]]
        if self.active is not None:
            row.append(percent_text(float(self.active[k])))
        if self.mean is not None and len(self.target_names) == 1:
            row.append(number_text_to(float(self.mean[k, 0]), self._resolution, signed=True))
        return [*row, percent_text(float(self.shares[k]))]

    def _rest(self) -> list[str]:
        hidden = len(self) - self.top
        if hidden <= 0:
            return []
        share = percent_text(float(self.shares[self.top :].sum()))
        return [f"and {hidden} more neuron" + ("" if hidden == 1 else "s") + f", with a share of {share}"]

    def _notes(self) -> list[str]:
        notes = ["per unit: of the first feature named, the others fixed"] if self.factors is None else []
        if not self.n_samples:
            return [*notes, "share: of the sum of ||u|| ||a||, which depends on the units of the features"]
        if any("more (" in text for text in (*self.conditions[: self.top], *self.effects[: self.top])):
            notes.append("more: what is left out, features held at their means, and its share of the whole")
        return [
            *notes,
            f"active: share of the {self.n_samples} samples"
            + ("; mean: what is added on average over all of them" if len(self.target_names) == 1 else ""),
            "share: of the sum of the standard deviations of what the neurons add",
        ]
