"""Seeds of all kinds: equal seeds give equal draws, and a Generator's stream moves on."""

import numpy as np
import pytest

from cvxnn.function_spaces.unit_norm.seeds import as_random_state


def test_integers_and_random_states_are_as_in_scikit_learn():
    assert as_random_state(5).uniform() == np.random.RandomState(5).uniform()
    source = np.random.RandomState(0)
    assert as_random_state(source) is source


def test_generators_are_drawn_on():
    draws = [as_random_state(np.random.default_rng(7)).standard_normal(3) for _ in range(2)]
    assert np.array_equal(*draws)
    source = np.random.default_rng(7)
    assert np.array_equal(as_random_state(source).standard_normal(3), draws[0])
    assert not np.array_equal(as_random_state(source).standard_normal(3), draws[0])


@pytest.mark.parametrize("wrong", ["seed", -1, 1.5])
def test_others_are_refused(wrong):
    with pytest.raises(ValueError, match="random_state must be"):
        as_random_state(wrong)
