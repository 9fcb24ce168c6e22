"""Training on tables: what is learned from which rows, and what is proved about which problem."""

import numpy as np
import pandas as pd
import pytest

from cvxnn import beta_max, certify
from cvxnn.tables import fit_table

TOL = 1e-2


def test_the_model_fits_a_kink_far_from_the_origin_in_odd_units(plain):
    model, report = fit_table(plain, "y", tol=TOL)
    assert model.certificate.proven
    assert model.train_scores.r2 > 0.9
    np.testing.assert_array_equal(model.predict(plain), report.predicted_train)


def test_the_certificate_is_about_the_problem_that_the_table_gives_back(mixed):
    model, report = fit_table(mixed, "y", tol=TOL, test_size=0.25)
    problem = model.problem(mixed)
    assert model.is_training_problem(problem)
    assert problem.n_samples == len(report.y_train) == 18
    # The same data and weights: the same objective to the last bit.
    assert problem.objective(model.network) == model.certificate.objective
    assert certify(problem, model.network).lower_bound <= model.certificate.objective * (1 + 1e-9)


def test_another_table_gives_the_problem_of_all_its_rows(mixed):
    model, _ = fit_table(mixed, "y", tol=TOL, test_size=0.25)
    other = mixed.assign(y=mixed["y"] + 1.0)
    assert model.problem(other).n_samples == 24
    assert not model.is_training_problem(model.problem(other))
    assert not model.is_training_problem(model.problem(mixed).with_beta(model.beta * 2))


def test_a_model_cannot_be_changed(plain):
    model, _ = fit_table(plain, "y", tol=TOL)
    for array in (model.training_rows, model.scaling.x_mean, model.scaling.x_scale, model.network.hidden):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_the_target_may_have_another_name_later(plain):
    model, _ = fit_table(plain, "y", tol=TOL)
    renamed = plain.rename(columns={"y": "z"})
    assert model.is_training_problem(model.problem(renamed, target="z"))
    with pytest.raises(ValueError, match="must have the column 'y'"):
        model.problem(renamed)


def test_standardised_columns_have_mean_0_and_variance_1_and_categories_stay_0_and_1(mixed):
    model, _ = fit_table(mixed, "y", tol=TOL)
    assert model.feature_names == ("x", "colour=blue", "colour=red", "flag=False", "flag=True")
    X, y = model.problem(mixed).X, model.problem(mixed).y
    # 1e-12: a few float64 terms of size 1.
    np.testing.assert_allclose([X[:, 0].mean(), y.mean()], 0.0, atol=1e-12)
    np.testing.assert_allclose([X[:, 0].std(), y.std()], 1.0, atol=1e-12)
    assert set(np.unique(X[:, 1:5])) == {0.0, 1.0}
    np.testing.assert_array_equal(X[:, 5], 1.0)


def test_auto_beta_is_a_ratio_of_the_critical_beta(plain):
    model, _ = fit_table(plain, "y", tol=TOL, beta_ratio=0.3)
    assert model.beta == pytest.approx(0.3 * beta_max(model.problem(plain)), rel=1e-12)
    constant, _ = fit_table(plain, "y", tol=TOL, beta_ratio=1.01)
    assert constant.network.n_neurons == 0
    np.testing.assert_allclose(constant.predict(plain), plain["y"].mean(), rtol=1e-12)


def test_units_of_columns_and_target_change_nothing_but_units(plain):
    model, _ = fit_table(plain, "y", tol=1e-6)
    scaled = plain.assign(x=-3e5 * plain["x"] + 7.0, y=1e6 * plain["y"] - 4.0)
    other, _ = fit_table(scaled, "y", tol=1e-6)
    # The optima agree; each objective is within tol of it.
    assert other.certificate.objective == pytest.approx(model.certificate.objective, rel=1e-5)


def test_the_test_rows_teach_nothing(mixed):
    rows = fit_table(mixed, "y", tol=TOL, test_size=0.25, random_state=3)[0].training_rows
    test_rows = np.setdiff1d(np.arange(24), rows)
    spoilt = mixed.copy()
    spoilt.loc[test_rows, "x"] = 1e6
    spoilt.loc[test_rows, "colour"] = "green"
    spoilt.loc[test_rows, "y"] = -1e6
    model, _ = fit_table(mixed, "y", tol=TOL, test_size=0.25, random_state=3)
    other, report = fit_table(spoilt, "y", tol=TOL, test_size=0.25, random_state=3)
    np.testing.assert_array_equal(model.network.hidden, other.network.hidden)
    assert model.fingerprint == other.fingerprint
    assert report.unknown == {"colour": 6}


def test_the_split_is_a_partition_drawn_by_the_seed(plain):
    split = [
        fit_table(plain, "y", tol=TOL, test_size=0.21, random_state=s)[0].training_rows for s in (0, 0, 1)
    ]
    assert len(split[0]) == 30 - 7  # 6.3 test rows, rounded up
    np.testing.assert_array_equal(split[0], split[1])
    assert not np.array_equal(split[0], split[2])


def test_scores_are_those_of_the_predictions(mixed):
    model, report = fit_table(mixed, "y", tol=TOL, test_size=0.25)
    residual = report.y_test - report.predicted_test
    assert model.test_scores.n == 6
    assert model.test_scores.rmse == pytest.approx(np.sqrt(np.mean(residual**2)), rel=1e-12)
    assert model.test_scores.r2 == pytest.approx(1 - np.mean(residual**2) / np.var(report.y_test), rel=1e-9)


def test_missing_values_are_refused_or_filled_and_reported(mixed):
    holed = mixed.copy()
    holed.loc[3, "x"] = np.nan
    holed.loc[[4, 5], "colour"] = None
    with pytest.raises(ValueError, match=r"found 3 in the columns 'x', 'colour'"):
        fit_table(holed, "y")
    model, report = fit_table(holed, "y", tol=TOL, impute=True)
    assert report.imputed == {"x": 1, "colour": 2}
    fresh = pd.DataFrame({"x": [None], "colour": [None], "flag": [True]})
    filled = pd.DataFrame({"x": [holed["x"].median()], "colour": ["blue"], "flag": [True]})
    np.testing.assert_array_equal(model.predict(fresh), model.predict(filled))


def test_constant_and_dropped_columns_are_reported_and_not_asked_for_later(mixed):
    model, report = fit_table(mixed, "y", tol=TOL, drop=["flag"])
    assert (report.constant, report.dropped) == (("const",), ("flag",))
    assert (model.numeric, model.one_hot) == (("x",), {"colour": 2})
    assert model.predict(mixed[["colour", "x"]].iloc[:1]).shape == (1,)


def test_a_constant_target_gives_the_constant_network():
    model, _ = fit_table(pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": [4.0, 4.0, 4.0]}), "y")
    assert model.network.n_neurons == 0
    assert model.train_scores.r2 is None
    assert model.predict(pd.DataFrame({"x": [10.0]})) == 4.0


def test_without_intercept_there_is_neither_bias_nor_offset():
    table = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "y": [2.0, 4.0, 6.0, 8.0]})
    model, _ = fit_table(table, "y", fit_intercept=False, tol=TOL)
    assert model.network.n_features == 1
    assert model.predict(pd.DataFrame({"x": [0.0]})) == 0.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "z"}, r"must have the column 'z'; it has 'x', 'colour'"),
        ({"target": "colour"}, r"target 'colour' must be a column of numbers.*classification"),
        ({"target": "flag"}, r"target 'flag' must be a column of numbers.*classification"),
        ({"drop": ["a", "b"]}, r"must have the columns 'a', 'b'"),
        ({"drop": ["y"]}, r"drop must not hold the target"),
        ({"drop": ["x", "colour", "flag", "const"]}, r"a column besides the target 'y'"),
        ({"drop": ["x", "colour", "flag"]}, r"a column that varies; found none in 'const'"),
        ({"test_size": 1.0}, r"test_size must be a share of the rows in \[0, 1\)"),
        ({"test_size": 0.99}, r"at least 2 rows for training; got 24, 24 of them"),
        ({"beta": 0.0}, r"beta must be > 0"),
        ({"beta": "large"}, r"beta must be a finite number"),
        ({"beta_ratio": 0.0}, r"beta_ratio must be a finite number > 0"),
        ({"tol": 0.0}, r"tol must be a finite number > 0"),
        ({"loss": "unheard of"}, r"loss must be one of"),
    ],
)
def test_bad_options_are_refused_by_name(mixed, options, message):
    with pytest.raises(ValueError, match=message):
        fit_table(mixed, options.pop("target", "y"), **options)


def test_a_target_with_gaps_is_refused_even_with_impute(plain):
    plain.loc[0, "y"] = np.nan
    with pytest.raises(ValueError, match=r"target 'y' must have no missing values; found 1"):
        fit_table(plain, "y", impute=True)


def test_a_table_of_one_row_is_too_short_to_learn_from():
    with pytest.raises(ValueError, match=r"at least 2 rows for training; got 1"):
        fit_table(pd.DataFrame({"x": [1.0], "y": [1.0]}), "y")
