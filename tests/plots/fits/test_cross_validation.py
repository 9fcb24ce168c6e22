"""The picture of cross-validation."""

from types import SimpleNamespace

import numpy as np
import pytest

from cvxnn.plots import cv

SCORES = np.array([[0.0, 0.0, 0.0], [0.6, 0.7, 0.5], [0.9, 0.7, 0.5], [0.2, 0.1, 0.3]])


def fitted(**change):
    given = {
        "betas_": [8.0, 4.0, 2.0, 1.0],
        "scores_": SCORES,
        "best_index_": 2,
        "one_se_index_": 1,
        "chosen_index_": 1,
    }
    return SimpleNamespace(
        **{name: value for name, value in {**given, **change}.items() if value is not None}
    )


def labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_means_and_standard_errors():
    shown = cv(fitted())
    np.testing.assert_allclose(shown.mean, [0.0, 0.6, 0.7, 0.2])
    # of 0.9, 0.7, 0.5: deviations 0.2, 0, -0.2, variance 0.08 / 2, of the mean 0.04 / 3
    np.testing.assert_allclose(shown.standard_error[2], np.sqrt(0.04 / 3))
    assert (shown.best, shown.one_se, shown.chosen, shown.is_ratio) == (2, 1, 1, False)


def test_labels_lines_and_axis():
    ax = cv(fitted(), score_name="R²").plot()
    assert labels(ax) == [
        "each of 3 folds",
        "± standard error",
        "mean",
        "highest mean less its standard error",
        "highest mean: β = 2",
        "one standard error: β = 4, chosen",
    ]
    assert ax.get_ylabel() == "R²"
    assert ax.get_xlabel() == "weight decay β (log scale, decreasing)"
    assert ax.get_xscale() == "log"
    assert ax.get_xlim()[0] > 8.0 > 1.0 > ax.get_xlim()[1]
    folds = [one for one in ax.lines if one.get_linewidth() == 0.7]
    np.testing.assert_array_equal([one.get_ydata() for one in folds], SCORES.T)
    (mean,) = [one for one in ax.lines if one.get_label() == "mean"]
    np.testing.assert_allclose(mean.get_ydata(), SCORES.mean(axis=1))
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    np.testing.assert_allclose(band.max(), 0.7 + np.sqrt(0.04 / 3))


def test_ratios_in_place_of_weight_decays():
    ratios = {"betas_": None, "beta_ratios_": [1.0, 0.3, 0.1, 0.03], "chosen_index_": 2}
    shown = cv(fitted(**ratios))
    assert (shown.is_ratio, shown.chosen) == (True, 2)
    ax = shown.plot()
    assert ax.get_xlabel() == "weight decay β / β$_{max}$ (log scale, decreasing)"
    assert "highest mean: ratio = 0.1, chosen" in labels(ax)


def test_an_unknown_choice_is_not_marked_and_equal_choices_are_one_line():
    assert not any("chosen" in text for text in labels(cv(fitted(chosen_index_=None)).plot()))
    texts = labels(cv(fitted(one_se_index_=2, chosen_index_=2)).plot())
    assert "highest mean, and by one standard error: β = 2, chosen" in texts
    assert len(texts) == 5


def test_a_single_fold_has_no_standard_error():
    shown = cv(fitted(scores_=SCORES[:, :1]))
    np.testing.assert_array_equal(shown.standard_error, 0.0)
    assert "the only fold" in labels(shown.plot())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores_": None}, "result must be a fitted estimator.*SimpleNamespace lacks scores_"),
        ({"betas_": None}, "lacks beta_ratios_"),
        ({"betas_": [1.0, 2.0, 3.0, 4.0]}, "result.betas_ must be decreasing and > 0"),
        ({"scores_": SCORES.T}, r"result.scores_ must have shape \(4, n_folds\); got \(3, 4\)"),
        ({"chosen_index_": 9}, "result.chosen_index_ must be an index from 0 to 3; got 9"),
        ({"scores_": SCORES * np.nan}, "result.scores_ must be finite"),
        ({"best_index_": 4}, "result.best_index_ must be an index from 0 to 3; got 4"),
        ({"one_se_index_": -1}, "result.one_se_index_ must be an index from 0 to 3; got -1"),
    ],
)
def test_bad_results_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        cv(fitted(**change))
