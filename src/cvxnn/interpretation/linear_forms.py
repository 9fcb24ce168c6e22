"""Linear functions of named features, divided by the coefficient of the one that matters most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cvxnn.interpretation.inputs import Inputs
from cvxnn.interpretation.wording import number_text, number_text_to, percent_text
from cvxnn.validation import Array

_NEGLIGIBLE = 0.01  # terms of a smaller share of their function are never shown


@dataclass(frozen=True, eq=False)
class LinearForms:
    """Linear functions ``w_k^T x + v_k = s_k (c_k^T x - t_k)`` whose leading feature has the coefficient 1 in c_k.

    The leading feature is the one with the largest ``|w| std``, standard deviations being those of the data, or 1
    without data. A function of no feature has ``c = 0``, ``s = v`` and ``t = -1``, or ``s = 1`` and ``t = 0`` where v
    is 0 too.

    Parameters
    ----------
    coefficients : ndarray of shape (k, d)
        c.
    thresholds : ndarray of shape (k,)
        t, in units of the leading feature.
    scales : ndarray of shape (k,)
        s, never 0.
    sizes : ndarray of shape (k, d)
        How much each term matters, ``|w| std``; rows sum to 1, or to 0 for functions of no feature.
    inputs : Inputs
        Names and data.
    """

    coefficients: Array  # (k, d)
    thresholds: Array  # (k,)
    scales: Array  # (k,)
    sizes: Array  # (k, d)
    inputs: Inputs

    @classmethod
    def of(cls, weights: Array, inputs: Inputs) -> LinearForms:
        """Return the forms of hidden weights, shape (d, k), hidden bias included."""
        named, bias = inputs.split(weights)
        sizes = _term_sizes(named, inputs.scales)
        scales = np.where(bias != 0, bias, 1.0)
        if len(named):
            leading = np.take_along_axis(named, sizes.argmax(axis=0)[None], axis=0)[0]
            scales = np.where(leading != 0, leading, scales)
        # 0 - q: no negative zero
        return cls((named / scales).T, 0.0 - bias / scales, scales, sizes.T, inputs)

    def terms_shown(self, n_terms: int) -> NDArray[np.bool_]:
        """Return which terms are written out, shape (k, d): the largest, at most `n_terms`, none below 1 %."""
        ranks = np.argsort(np.argsort(-self.sizes, axis=1, kind="stable"), axis=1)
        return np.asarray((ranks < n_terms) & (self.sizes >= _NEGLIGIBLE))

    def text(self, form: int, n_terms: int) -> tuple[str, str]:
        """Return ``c^T x`` and t as text, such as ``("bmi + 0.31 bp + 2 more (5%)", "27.4")``.

        With data, features that are left out are held at their means, and what rounding the coefficients does to
        the form at the means goes into t: both texts together are true at the means of the data. The first text is
        empty for a function of no feature.
        """
        shown = self.terms_shown(n_terms)[form]
        order = np.flatnonzero(shown)[np.argsort(-self.sizes[form, shown], kind="stable")]
        written = np.zeros(self.coefficients.shape[1])
        words: list[str] = []
        for k in order:
            coefficient = self.coefficients[form, k]
            digits = number_text(abs(coefficient))
            written[k] = np.copysign(float(digits), coefficient)
            if words:
                words.append(f"{'-' if coefficient < 0 else '+'} {digits} {self.inputs.names[k]}")
            else:  # the leading feature: its coefficient is 1
                words.append(self.inputs.names[k])
        left_out = ~shown & (self.coefficients[form] != 0)
        if left_out.any():
            share = percent_text(float(self.sizes[form, left_out].sum()))
            words.append(f"+ {np.count_nonzero(left_out)} more ({share})")
        return " ".join(words), self._threshold_text(form, written)

    def _threshold_text(self, form: int, written: Array) -> str:
        threshold = float(self.thresholds[form])
        if self.inputs.X is None:
            return number_text(threshold, 4)
        change = written - self.coefficients[form]
        threshold += float(change @ self.inputs.X.mean(axis=0))
        spread = float(np.std(self.inputs.X @ self.coefficients[form]))
        # constant data have a spread of rounding errors
        return (
            number_text_to(threshold, spread / 100)
            if spread > 1e-9 * abs(threshold)
            else number_text(threshold, 4)
        )


def _term_sizes(weights: Array, scales: Array) -> Array:
    """Return ``|w| std`` as shares of each column's sum; of ``|w|`` where data are constant."""
    sizes = np.abs(weights) * scales[:, None]
    sizes = np.where(sizes.any(axis=0), sizes, np.abs(weights))
    largest = sizes.max(axis=0, initial=0.0)
    sizes = sizes / np.where(largest > 0, largest, 1.0)  # first, so that sums do not overflow
    return np.asarray(sizes / np.maximum(sizes.sum(axis=0), 1.0))
