"""On a real table, default settings beat scikit-learn's default MLP."""

import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cvxnn import ReLURegressor
from cvxnn.datasets import load_uci


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore", category=ConvergenceWarning)
def test_concrete_is_predicted_better_than_by_the_default_mlp(data_home):
    table = load_uci("concrete", data_home=data_home)
    mlp = TransformedTargetRegressor(
        make_pipeline(StandardScaler(), MLPRegressor(random_state=0)), transformer=StandardScaler()
    )
    ours, theirs = [], []
    for seed in range(5):
        X, X_test, y, y_test = train_test_split(table.X, table.y, test_size=0.2, random_state=seed)
        model = ReLURegressor().fit(X, y)
        ours.append(model.score(X_test, y_test))
        theirs.append(mlp.fit(X, y).score(X_test, y_test))
        # The certificate is honest: the bound is proven, and what only a search says is kept apart from it.
        assert 0 < model.lower_bound_ < model.objective_
        assert not model.certificate_.proven
        # Training ends where 0.03 of the violation is below tol, or no more than tol is left.
        assert model.certificate_.search_violation <= 1e-2 / 0.03
    assert np.mean(ours) > np.mean(theirs)
