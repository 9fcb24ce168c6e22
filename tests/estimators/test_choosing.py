"""Weight decay and knots are those of a loop over held-out rows, whatever the kind of targets and weights."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from cvxnn import ReLUClassifier, ReLURegressor
from cvxnn.deadlines import NEVER
from cvxnn.encoding import PiecewiseLinearEncoder
from cvxnn.estimators import Preparation, choosing
from cvxnn.estimators.base import CodedData
from cvxnn.estimators.path import null_network
from cvxnn.training import descend_along_path

AUTO = {"beta_ratio": None, "knots": "auto"}


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Try few candidates of few neurons, in short descents."""
    monkeypatch.setattr(choosing, "DEFAULT_RATIO", 0.2)
    monkeypatch.setattr("cvxnn.estimators.strategies.RATIOS", (0.7, 0.4, 0.2, 0.1))
    monkeypatch.setattr("cvxnn.estimators.strategies.KNOTS", (None, 3))
    monkeypatch.setattr(choosing, "_ITERATIONS", 15)


@pytest.fixture(scope="module")
def steps():
    """Give X (40, 2) and a target that steps twice, with noise."""
    rng = np.random.default_rng(3)
    X = rng.uniform(0, 1, (40, 2))
    y = np.where(X[:, 0] > 0.3, 2.0, 0.0) + np.where(X[:, 1] > 0.6, 1.0, 0.0)
    return X, 10 * (y + 0.1 * rng.standard_normal(40))


def chosen(model, X, y, sample_weight=None):
    """Return a copy that has chosen, but is not trained."""
    model = clone(model)
    model._choose(model._check(X, y, sample_weight), NEVER)
    return model


def by_hand(X, y, ratios, knots, seed=0):
    """Return the mean half squared error on held-out rows of all candidates, in an order of loops."""
    rng = np.random.RandomState(seed)
    order = rng.permutation(len(X))
    losses = {}
    for k in knots:
        drawn = rng.randint(2**31)
        total = dict.fromkeys(ratios, 0.0)
        for part in range(5):
            held = np.sort(order[part::5])
            rest = np.setdiff1d(np.arange(len(X)), held)
            Z, Z_held = X[rest], X[held]
            if k is not None:
                encoder = PiecewiseLinearEncoder(k).fit(Z)
                Z, Z_held = encoder.transform(Z), encoder.transform(Z_held)
            prepared = Preparation.of(Z, y[rest], loss="squared", fit_intercept=True)
            if part == 0:
                per_row = prepared.critical_beta().value / len(rest)
            critical, seeds = per_row * len(rest), np.random.RandomState(drawn)
            inputs = np.column_stack([(Z_held - Z.mean(axis=0)) / Z.std(axis=0), np.ones(len(held))])
            network, before = null_network(prepared.problem), np.inf
            for ratio in ratios:
                network = descend_along_path(
                    prepared.problem.with_beta(ratio * critical),
                    network,
                    step=ratio * critical / before,
                    tol=0.1,
                    max_seconds=None,
                    random_state=seeds.randint(2**31),
                    max_iterations=15,
                ).network
                before = ratio * critical
                errors = network.predict(inputs) - (y[held] - y[rest].mean()) / y[rest].std()
                total[ratio] += 0.5 * np.sum(errors**2)
        losses |= {(ratio, k): total[ratio] / len(X) for ratio in ratios}
    return losses


def test_the_choice_is_that_of_a_loop_by_hand(steps):
    X, y = steps
    model = ReLURegressor(**AUTO, tol=0.1).fit(X, y)
    expected = by_hand(X, y, (0.7, 0.4, 0.2), (None, 3))
    scores = model.beta_scores_
    found = dict(zip(zip(scores["beta_ratio"], scores["knots"], strict=True), scores["loss"], strict=True))
    coarse = {candidate: loss for candidate, loss in found.items() if candidate[0] >= 0.2}
    assert set(coarse) == set(expected)
    for candidate, loss in expected.items():
        assert coarse[candidate] == pytest.approx(loss, rel=1e-6)
    # The path of the best knots goes on, the other does not.
    knots = min(expected, key=expected.get)[1]
    assert set(found) - set(coarse) <= {(0.1, knots)}
    assert (model.beta_ratio_, model.knots_) == min(found, key=found.get)
    assert model.choice_ == choosing.CHOSEN


def test_the_fit_is_that_with_the_chosen_values(steps):
    X, y = steps
    model = ReLURegressor(**AUTO, tol=0.1).fit(X, y)
    given = ReLURegressor(beta_ratio=model.beta_ratio_, knots=model.knots_, tol=0.1).fit(X, y)
    assert given.beta_ == model.beta_
    np.testing.assert_array_equal(given.network_.hidden, model.network_.hidden)
    assert (given.beta_ratio_, given.knots_, given.beta_scores_) == (model.beta_ratio_, model.knots_, None)
    assert given.choice_ == choosing.GIVEN
    again = clone(model).fit(X, y)
    assert again.beta_scores_ == model.beta_scores_


@pytest.mark.parametrize(
    ("settings", "ratios", "knots"),
    [
        ({"beta_ratio": 0.3, "knots": "auto"}, {0.3}, {None, 3}),
        ({"beta_ratio": None, "knots": 2}, {0.7, 0.4, 0.2, 0.1}, {2}),
        ({"beta": 30.0, "beta_ratio": None, "knots": "auto"}, {None}, {None, 3}),
    ],
)
def test_what_is_given_is_not_chosen(settings, ratios, knots, steps):
    model = ReLURegressor(**settings, tol=0.1).fit(*steps)
    assert set(model.beta_scores_["beta_ratio"]) <= ratios
    assert set(model.beta_scores_["knots"]) == knots
    assert model.beta_ratio_ in ratios
    assert model.knots_ in knots
    if "beta" in settings:
        assert model.beta_ == 30.0


def test_a_weight_of_two_is_the_sample_given_twice(steps):
    X, y = steps
    weights = np.random.default_rng(1).integers(2, 5, 40)
    model = ReLURegressor(**AUTO, tol=0.1)
    weighted = chosen(model, X, y, sample_weight=weights)
    repeated = chosen(model, np.repeat(X, weights, axis=0), np.repeat(y, weights))
    assert weighted.beta_scores_ == repeated.beta_scores_
    assert weighted.beta_scores_ != chosen(model, X, y).beta_scores_
    large = chosen(model, X, y, sample_weight=2.0**600 * weights)
    np.testing.assert_allclose(large.beta_scores_["loss"], weighted.beta_scores_["loss"], rtol=1e-6)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_classes(n_classes, steps):
    X, y = steps
    labels = np.array(["a", "b", "c"])[np.digitize(y, [15.0, 25.0][: n_classes - 1])]
    model = ReLUClassifier(**AUTO, tol=0.1)
    plain, balanced = (chosen(clone(model).set_params(class_weight=w), X, labels) for w in (None, "balanced"))
    assert plain.choice_ == balanced.choice_ == choosing.CHOSEN
    assert min(plain.beta_scores_["loss"]) < np.log(n_classes)
    assert plain.beta_scores_ != balanced.beta_scores_
    counts = np.unique(labels, return_counts=True)
    factors = dict(zip(counts[0].tolist(), (40 / (n_classes * counts[1])).tolist(), strict=True))
    same = chosen(clone(model).set_params(class_weight=factors), X, labels)
    np.testing.assert_allclose(same.beta_scores_["loss"], balanced.beta_scores_["loss"], rtol=1e-6)


def test_a_class_of_one_sample_is_trained_on():
    X = np.random.default_rng(0).standard_normal((30, 2))
    labels = np.where(X[:, 0] > 0, 1, 0)
    labels[7] = 2
    model = chosen(ReLUClassifier(**AUTO), X, labels)
    assert model.choice_ == choosing.CHOSEN
    assert list(model.classes_) == [0, 1, 2]


def test_few_rows_have_the_defaults(steps):
    X, y = steps
    model = ReLURegressor(**AUTO, tol=0.1).fit(X[:9], y[:9])
    assert (model.beta_ratio_, model.knots_, model.choice_) == (0.2, None, choosing.FEW_ROWS)
    assert model.beta_scores_ == {"beta_ratio": [], "knots": [], "loss": []}
    assert ReLURegressor(**AUTO, tol=0.1).fit(X[:10], y[:10]).choice_ == choosing.CHOSEN


def test_too_short_a_time_gives_the_defaults_and_a_network(steps):
    X, y = steps
    model = ReLURegressor(**AUTO, max_seconds=1e-3)
    with pytest.warns(ConvergenceWarning, match="max_seconds was too short"):
        model.fit(X, y)
    assert (model.beta_ratio_, model.knots_, model.choice_) == (0.2, None, choosing.TOO_SHORT)
    assert model.network_.n_neurons > 0


@pytest.mark.parametrize(
    ("n", "n_parts"), [(10, 5), (600, 5), (601, 5), (1000, 3), (2999, 2), (3000, 1), (9000, 1)]
)
def test_as_many_parts_as_it_takes(n, n_parts):
    rng = np.random.RandomState(0)
    coded = CodedData(np.arange(n, dtype=float)[:, None], np.zeros(n), None, None)
    parts = choosing.parts_of(coded, 1, False, rng)
    assert len(parts) == n_parts
    held = np.concatenate([part.held_out.X[:, 0] for part in parts])
    assert len(np.unique(held)) == len(held) >= min(n, 600)
    for part in parts:
        assert not np.intersect1d(part.training.X, part.held_out.X).size
        assert len(part.training.X) == min(n - len(part.held_out.X), 5000)
    wide = choosing.parts_of(coded, 1000, False, np.random.RandomState(0))
    assert all(len(part.training.X) <= 2000 for part in wide)


def test_all_classes_are_in_all_parts():
    rng = np.random.RandomState(0)
    codes = np.repeat([0, 1, 2, 3], [8000, 900, 6, 1])
    target = np.eye(4)[codes]
    coded = CodedData(np.arange(len(codes), dtype=float)[:, None], target, None, None)
    (part,) = choosing.parts_of(coded, 1, True, rng)
    assert np.all(part.training.target.sum(axis=0) >= 1)
    assert part.held_out.target.sum(axis=0)[3] == 0
    np.testing.assert_allclose(part.held_out.target.sum(axis=0)[:2], [1600, 180], atol=1)
    assert 5000 <= len(part.training.X) <= 5004


def test_columns_of_two_values_have_no_knots_to_try():
    X = np.random.default_rng(0).integers(0, 2, (30, 3)).astype(float)
    model = ReLURegressor(**AUTO, tol=0.1).fit(X, X[:, 0] - X[:, 1])
    assert set(model.beta_scores_["knots"]) <= {None}


@pytest.mark.parametrize("settings", [{"beta_ratio": "auto"}, {"beta_ratio": 0}, {"knots": "some"}])
@pytest.mark.parametrize("model", [ReLURegressor(), ReLUClassifier()], ids=lambda m: type(m).__name__)
def test_other_settings_are_refused(model, settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        clone(model).set_params(**settings).fit(np.arange(12.0)[:, None], np.arange(12) % 2)


def test_the_default_is_among_what_is_tried():
    from cvxnn.estimators.choosing import KNOTS, RATIOS

    assert KNOTS[0] is None
    assert 0.005 in RATIOS
    assert list(RATIOS) == sorted(RATIOS, reverse=True)
