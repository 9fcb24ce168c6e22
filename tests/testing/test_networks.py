"""Planted faults: every law of networks rejects a network whose operation breaks it."""

from __future__ import annotations

import numpy as np
import pytest

from cvxnn import GatedReLUNetwork, ReLUNetwork
from cvxnn.networks import load_network
from cvxnn.testing import (
    check_balance,
    check_merge,
    check_neuron_permutation,
    check_positive_rescaling,
    check_prune_zeros,
    check_save_and_load,
)

X = np.array([[1.0, 0.5], [-1.0, 2.0], [0.3, -0.7]])
weights = (np.array([[1.0, 1.1, -1.0, 0.0], [0.1, 0.2, 0.5, 0.0]]), np.array([1.0, 2.0, -3.0, 1.0]), [0.5])
right = ReLUNetwork(*weights)


def copy(network, cls):
    return cls(network.hidden, network.output, network.offset)


class Squares(ReLUNetwork):
    def predict(self, X):
        return np.maximum(np.asarray(X) @ self.hidden, 0.0) ** 2 @ self.output


class FirstNeuronTwice(ReLUNetwork):
    def predict(self, X):
        f = super().predict(X)
        return f + super().select([0]).predict(X) if self.n_neurons else f


class DecayByPlace(ReLUNetwork):
    @property
    def weight_decay(self):
        return float(np.sum(np.arange(self.n_neurons) * np.abs(self.output)))


class BalancesHiddenOnly(ReLUNetwork):
    def balance(self):
        balanced = ReLUNetwork.balance(self)
        return ReLUNetwork(balanced.hidden, self.output, self.offset)


class DoesNotBalance(ReLUNetwork):
    def balance(self):
        return copy(self, ReLUNetwork)


class RaisesDecay(ReLUNetwork):
    @property
    def weight_decay(self):
        return 0.9 * self.path_norm


class ForgetsOffset(ReLUNetwork):
    def balance(self):
        balanced = ReLUNetwork.balance(self)
        return ReLUNetwork(balanced.hidden, balanced.output)


class MergesEverything(ReLUNetwork):
    def merge(self, X):
        return ReLUNetwork(self.hidden @ self.output[:, None], [1.0], self.offset)


class DoesNotMerge(ReLUNetwork):
    def merge(self, X):
        return self.prune_zeros().balance()


class SplitsInstead(ReLUNetwork):
    def merge(self, X):
        merged = ReLUNetwork.merge(self, X)
        return ReLUNetwork(20 * merged.hidden, merged.output / 20, merged.offset)


class KeepsZeros(ReLUNetwork):
    def prune_zeros(self, tol=0.0):
        return copy(self, ReLUNetwork)


class PrunesSmall(ReLUNetwork):
    def prune_zeros(self, tol=0.0):
        return ReLUNetwork.prune_zeros(self, 1.2)


class SavesAsFloat32(ReLUNetwork):
    def save(self, path):
        ReLUNetwork(self.hidden.astype(np.float32), self.output, self.offset).save(path)


permutation, factors = np.array([2, 1, 0, 3]), np.array([1e-3, 2.0, 1e3, 1.0])
FAULTS = [
    (lambda net: check_positive_rescaling(net, X, factors), Squares, "rescaling"),
    (lambda net: check_neuron_permutation(net, X, permutation), FirstNeuronTwice, "permuting"),
    (lambda net: check_neuron_permutation(net, X, permutation), DecayByPlace, "weight decay"),
    (lambda net: check_balance(net, X), BalancesHiddenOnly, "keep the function"),
    (lambda net: check_balance(net, X), DoesNotBalance, r"\|\|u_j\|\| = \|\|a_j\|\|"),
    (lambda net: check_balance(net, X), RaisesDecay, "raise the weight decay"),
    (lambda net: check_balance(net, X), ForgetsOffset, "keep the function"),
    (lambda net: check_merge(net, X), MergesEverything, "keep the function"),
    (lambda net: check_merge(net, X), DoesNotMerge, "one neuron per pattern"),
    (lambda net: check_merge(net, X), SplitsInstead, "raise the weight decay"),
    (lambda net: check_prune_zeros(net, X), KeepsZeros, "zero factor"),
    (lambda net: check_prune_zeros(net, X), PrunesSmall, "keep the function"),
]


@pytest.mark.parametrize(
    ("check", "wrong", "message"), FAULTS, ids=[wrong.__name__ for _, wrong, _ in FAULTS]
)
def test_the_law_rejects(check, wrong, message):
    check(right)
    with pytest.raises(AssertionError, match=message):
        check(copy(right, wrong))


def test_the_law_of_files_rejects_rounded_weights(tmp_path):
    network = ReLUNetwork([[0.1]], [1.0])
    check_save_and_load(network, tmp_path / "right.npz")
    rounded = copy(network, SavesAsFloat32)
    rounded.save(tmp_path / "rounded.npz")
    with pytest.raises(AssertionError, match="came back as ReLUNetwork"):
        check_save_and_load(rounded, tmp_path / "wrong.npz")
    assert load_network(tmp_path / "rounded.npz").hidden != network.hidden


def test_the_law_of_files_rejects_weights_that_change(tmp_path, monkeypatch):
    original = GatedReLUNetwork([[0.1]], [[0.2]], [1.0])
    check_save_and_load(original, tmp_path / "right.npz")
    changed = GatedReLUNetwork([[0.1]], [[np.nextafter(0.2, 1)]], [1.0])
    monkeypatch.setattr("cvxnn.testing.networks.load_network", lambda path: changed)
    with pytest.raises(AssertionError, match="hidden must come back bit for bit"):
        check_save_and_load(original, tmp_path / "wrong.npz")
