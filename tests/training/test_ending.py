"""The end of training: pruning where asked, specks left out, and a certificate of what was found."""

import numpy as np
import pytest

from cvxnn import Problem, ReLUNetwork, TrainingStatus
from cvxnn.atoms import Atoms
from cvxnn.training import ending as module
from cvxnn.training.ending import finish
from cvxnn.training.state import TrainingState


def state_of(hidden, output, *, proves=True):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((12, 3))
    problem = Problem(X, np.maximum(X @ [1.0, 2.0, 0.0], 0.0), 0.1)
    state = TrainingState(problem, problem, 1e-3, None, rng, proves)
    state.accept(Atoms.of_network(problem, ReLUNetwork(hidden, output)), state.offset)
    return problem, state


def test_specks_are_left_out_where_that_lowers_the_objective():
    problem, state = state_of([[0.5, 1e-4], [1.0, 0.0], [0.0, 0.0]], [1.0, -1e-4])
    before = state.objective
    result = finish(state, TrainingStatus.MAX_ROUNDS, prune=False)
    assert result.network.n_neurons == 1
    assert result.certificate.objective == problem.objective(result.network) <= before


@pytest.mark.parametrize("prune", [False, True])
def test_networks_are_pruned_only_where_that_is_asked_for(prune, monkeypatch):
    pruned = []
    monkeypatch.setattr(module, "basic_atoms", lambda problem, atoms: pruned.append(atoms) or atoms)
    finish(state_of([[0.5], [1.0], [0.0]], [1.0])[1], TrainingStatus.MAX_ROUNDS, prune=prune)
    assert len(pruned) == prune


def test_without_evidence_nothing_is_searched_or_proved():
    _, state = state_of([[0.5], [1.0], [0.0]], [1.0], proves=False)
    certificate = finish(state, TrainingStatus.MAX_ROUNDS, prune=True).certificate
    assert certificate.search_violation is None
    assert certificate.lower_bound == 0.0
    _, state = state_of([[0.5], [1.0], [0.0]], [1.0])
    certificate = finish(state, TrainingStatus.MAX_ROUNDS, prune=True).certificate
    assert certificate.search_violation > 0.0
    assert certificate.lower_bound > 0.0
