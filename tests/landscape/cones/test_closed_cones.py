"""Neurons on a face belong to every closed cone that contains them; groups can be added up."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cvxnn import enumerate_patterns
from cvxnn.atoms import kink_signs
from cvxnn.landscape.cones.closed_cones import add_up, groups_of, share_cone
from cvxnn.testing.samplers import DATA

from ..random_optima import ORDINARY


@given(st.sampled_from(ORDINARY), st.integers(0, 300))
def test_neurons_share_a_closed_cone_exactly_where_some_cell_contains_both(data, seed):
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(1, 6)), int(rng.integers(1, 4))
    X = DATA[data](rng, n, d)
    hidden = rng.integers(-1, 2, (d, 8)).astype(float)
    for j in range(4):  # some on kinks
        x = X[rng.integers(n)]
        if x @ x > 0:
            hidden[:, j] -= x * (x @ hidden[:, j]) / (x @ x)
    signs = kink_signs(X, hidden)
    masks = np.asarray(enumerate_patterns(X)).T if np.any(X) else np.ones((1, n), dtype=bool)
    sides = np.where(masks, 1, -1)[:, :, None]
    inside = np.all(sides * signs >= 0, axis=1)  # (P, m)
    # Zero rows are active by the tie convention and bound no cone, so their side does not count.
    expected = (inside.astype(int).T @ inside.astype(int)) > 0
    np.testing.assert_array_equal(share_cone(X, hidden, np.ones(8)), expected)


def test_neurons_of_other_signs_share_nothing():
    X, hidden = np.eye(2), np.ones((2, 2))
    np.testing.assert_array_equal(share_cone(X, hidden, np.array([1.0, -1.0])), np.eye(2, dtype=bool))
    directions = np.array([[1.0, 0.0], [0.6, 0.8]])
    np.testing.assert_array_equal(share_cone(X, hidden, directions), np.eye(2, dtype=bool))


@given(st.integers(0, 12), st.integers(0, 1000))
def test_groups_partition_and_every_two_members_are_related(m, seed):
    rng = np.random.default_rng(seed)
    related = rng.random((m, m)) < 0.6
    related = related | related.T | np.eye(m, dtype=bool)
    groups = groups_of(related)
    assert sorted(np.concatenate([*groups, np.zeros(0, dtype=int)]).tolist()) == list(range(m))
    assert all(related[np.ix_(group, group)].all() for group in groups)
    pairs = np.count_nonzero(related) > m
    assert any(len(group) > 1 for group in groups) == pairs


def test_rounding_does_not_take_a_neuron_off_its_kink():
    X = np.array([[1.0, 0.0], [0.0, 1.0]])
    hidden = np.array([[1.0, 1.0], [1e-13, -1.0]])
    assert share_cone(X, hidden, np.ones(2)).all()
    assert not share_cone(X, hidden, np.ones(2), kink_tol=0.0).all()


def test_sums_stand_at_the_first_of_each_group():
    total = add_up(np.array([[1.0, 2.0, 4.0]]), [np.array([0, 2]), np.array([1])])
    np.testing.assert_array_equal(total, [[5.0, 2.0, 0.0]])
