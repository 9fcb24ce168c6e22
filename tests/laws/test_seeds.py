"""Seeds of all kinds: equal seeds give equal draws, and a Generator's stream moves on."""

import numpy as np
import pytest

from cvxnn.seeds import as_generator, as_random_state, as_seed, require_seed


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


def test_integers_of_any_size_are_seeds():
    assert as_random_state(2**32).uniform() == as_random_state(2**32).uniform()
    assert as_random_state(2**32).uniform() != as_random_state(0).uniform()
    assert as_generator(2**70).uniform() == np.random.default_rng(2**70).uniform()


def test_integers_give_the_generator_of_numpy_and_a_generator_itself():
    assert as_generator(np.int32(5)).uniform() == np.random.default_rng(5).uniform()
    source = np.random.default_rng(0)
    assert as_generator(source) is source


def test_random_states_and_none_are_drawn_on(monkeypatch):
    source = np.random.RandomState(0)
    draws = [as_generator(source).uniform() for _ in range(2)]
    assert draws[0] != draws[1]
    assert draws[0] == np.random.default_rng(np.random.RandomState(0).randint(2**31)).uniform()
    monkeypatch.setattr(np.random.mtrand, "_rand", np.random.RandomState(0))
    assert [as_generator(None).uniform() for _ in range(2)] == draws


def test_a_seed_is_an_integer_that_a_stream_yields_anew():
    source = np.random.default_rng(0)
    assert as_seed(2**70) == 2**70
    assert as_seed(source) != as_seed(source)
    assert isinstance(as_seed(None), int)


@pytest.mark.parametrize("wrong", ["seed", -1, 1.5, True, [1, 2], np.random.SeedSequence(0)])
@pytest.mark.parametrize("take", [as_random_state, as_generator, as_seed, require_seed])
def test_others_are_refused(take, wrong):
    with pytest.raises(ValueError, match="random_state must be an integer >= 0, a Generator"):
        take(wrong)
