"""Packed bits: a round trip, and exact deduplication."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from cvxnn.patterns import activation_patterns, packing

bool_columns = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=40))


@given(bool_columns)
def test_unpacking_undoes_packing(columns):
    packed = packing.pack_columns(columns)
    assert packed.shape == (columns.shape[1], -(-columns.shape[0] // 8))
    np.testing.assert_array_equal(packing.unpack_columns(packed, columns.shape[0]), columns)


@given(bool_columns)
def test_packing_by_chunks_of_rows_gives_the_same_bytes(columns):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "_CHUNK_ENTRIES", 0)
        patch.setattr(packing, "_ROW_CHUNK_ENTRIES", 16 * columns.shape[1])
        packed = packing.pack_columns(columns)
    np.testing.assert_array_equal(packed, np.packbits(columns.T, axis=1))


def slow_first_occurrences(packed):
    seen = {}
    for j, row in enumerate(packed):
        seen.setdefault(row.tobytes(), j)
    return list(seen.values())


@given(arrays(np.uint8, st.tuples(st.integers(0, 30), st.integers(1, 3)), elements=st.integers(0, 2)))
def test_first_occurrences_are_those_of_a_dictionary(packed):
    assert packing.first_occurrences(packed).tolist() == slow_first_occurrences(packed)


@given(arrays(np.uint8, st.tuples(st.integers(0, 30), st.integers(1, 3)), elements=st.integers(0, 2)))
def test_first_occurrences_are_exact_even_if_all_fingerprints_collide(packed):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "_fingerprints", lambda rows: np.zeros(len(rows), dtype=np.uint64))
        assert packing.first_occurrences(packed).tolist() == slow_first_occurrences(packed)


def test_chunks_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    X, gates = rng.normal(size=(11, 3)), rng.normal(size=(3, 50))
    whole = packing.pack_gate_patterns(X, gates)
    monkeypatch.setattr(packing, "_CHUNK_ENTRIES", 40)
    assert len(list(packing.pattern_chunks(11, 50))) == 17
    np.testing.assert_array_equal(packing.pack_gate_patterns(X, gates), whole)
    np.testing.assert_array_equal(packing.unpack_columns(whole, 11), activation_patterns(X, gates))
