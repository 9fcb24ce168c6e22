"""What a run of conditional gradient says of itself agrees with its records and its network."""

import numpy as np
import pytest

from cvxnn.function_spaces import ConditionalGradient
from cvxnn.statuses import SolveStatus


@pytest.fixture
def data(rng):
    return np.column_stack([rng.standard_normal(12), np.ones(12)]), rng.standard_normal(12)


@pytest.mark.parametrize("step", ["fixed", "line_search", "fully_corrective", "away"])
def test_the_result_is_the_best_of_its_records_and_judges_its_own_network(step, data):
    X, y = data
    result = ConditionalGradient(2.0, step, max_steps=15).run(X, y)
    assert result.objective == pytest.approx(0.5 * np.sum((result.network.predict(X) - y) ** 2), rel=1e-12)
    assert result.objective == pytest.approx(np.min(result.objectives), rel=1e-12)
    assert result.lower_bound == pytest.approx(max(0.0, np.max(result.objectives - result.gaps)), abs=1e-12)
    assert result.gap == pytest.approx(result.objective - result.lower_bound, abs=1e-12)
    assert result.network.total_variation <= 2.0 * (1 + 1e-12)
    assert [record.step for record in result.history] == list(range(len(result.history)))
    drops = [record.kind == "drop" for record in result.history]
    np.testing.assert_array_equal(result.good_steps, np.arange(len(drops)) - np.cumsum(drops))


def test_printing_shows_status_and_both_sides(data):
    text = repr(ConditionalGradient(2.0, max_steps=3).run(*data))
    assert "lower_bound=" in text
    assert "steps=3, neurons=" in text
    assert "status=MAX_STEPS" in text
    assert all("." in status.value for status in SolveStatus)
