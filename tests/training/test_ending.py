"""The end of training: pruning where asked, specks left out, and a certificate of what was found."""

import numpy as np
import pytest

from cvxnn import Problem, ReLUNetwork, beta_max, train
from cvxnn.atoms import Atoms
from cvxnn.certificates.improving import LowerBound
from cvxnn.deadlines import NEVER, Deadline
from cvxnn.statuses import SolveStatus
from cvxnn.training import ending as module
from cvxnn.training.ending import finish
from cvxnn.training.rounds import Rounds
from cvxnn.training.state import TrainingState
from cvxnn.units import Units


def rounds_of(hidden, output, *, proves=True):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((12, 3))
    problem = Problem(X, np.maximum(X @ [1.0, 2.0, 0.0], 0.0), 0.1)
    state = TrainingState(problem)
    state.accept(Atoms.of_network(problem, ReLUNetwork(hidden, output)), state.offset)
    return problem, Rounds(state, problem, 1e-3, NEVER, rng, proves, Units.of(problem))


def test_specks_are_left_out_where_that_lowers_the_objective():
    problem, rounds = rounds_of([[0.5, 1e-4], [1.0, 0.0], [0.0, 0.0]], [1.0, -1e-4])
    before = rounds.state.objective
    result = finish(rounds, SolveStatus.MAX_ROUNDS, prune=False)
    assert result.network.n_neurons == 1
    assert result.certificate.objective == problem.objective(result.network) <= before


@pytest.mark.parametrize("prune", [False, True])
def test_networks_are_pruned_only_where_that_is_asked_for(prune, monkeypatch):
    pruned = []
    monkeypatch.setattr(
        module, "basic_atoms", lambda problem, atoms, max_seconds: pruned.append(atoms) or atoms
    )
    finish(rounds_of([[0.5], [1.0], [0.0]], [1.0])[1], SolveStatus.MAX_ROUNDS, prune=prune)
    assert len(pruned) == prune


def test_without_evidence_nothing_is_searched_or_proved():
    _, rounds = rounds_of([[0.5], [1.0], [0.0]], [1.0], proves=False)
    certificate = finish(rounds, SolveStatus.MAX_ROUNDS, prune=True).certificate
    assert certificate.search_violation is None
    assert certificate.lower_bound == 0.0
    _, rounds = rounds_of([[0.5], [1.0], [0.0]], [1.0])
    certificate = finish(rounds, SolveStatus.MAX_ROUNDS, prune=True).certificate
    assert certificate.search_violation > 0.0
    assert certificate.lower_bound > 0.0


def null_rounds(beta, y, *, loss="squared", output_norm="l2", offset=True):
    X = np.random.default_rng(0).standard_normal((12, 3))
    problem = Problem(X, y(X), beta, loss, offset, output_norm=output_norm)
    units = Units.of(problem)
    rng = np.random.default_rng(0)
    state = TrainingState(units.problem)
    return Rounds(state, units.problem, 1e-3, Deadline.after(1e-9), rng, False, units)


@pytest.mark.parametrize(
    ("y", "options"),
    [
        (lambda X: np.abs(X[:, 0]), {}),
        (lambda X: np.sign(X[:, 0]), {"loss": "logistic", "offset": False}),
        (lambda X: np.abs(X[:, :2]), {}),
        (lambda X: np.abs(X[:, :2]), {"output_norm": "l1"}),
        (lambda X: np.eye(3)[np.argsort(np.argsort(X[:, 0])) // 4], {"loss": "multinomial"}),
    ],
)
def test_a_network_without_neurons_gets_the_best_along_one(y, options):
    rounds = null_rounds(0.01, y, **options)
    null = rounds.state.objective
    result = finish(rounds, SolveStatus.MAX_SECONDS, prune=True)
    assert (result.network.n_neurons, result.status) == (1, SolveStatus.MAX_SECONDS)
    problem, network = rounds.state.problem, result.network
    assert result.certificate.objective < null
    # The best size along the neuron: no multiple with the same offset is better. Its own was refitted afterwards.
    for factor in (0.9, 1.1):
        other = ReLUNetwork(factor * network.hidden, network.output, network.offset)
        assert problem.objective(other) > result.certificate.objective - 0.05 * null


def test_no_neuron_is_added_from_the_critical_weight_decay_on():
    critical = beta_max(null_rounds(1.0, lambda X: np.abs(X[:, 0])).state.problem)
    for factor, neurons in ((0.999, 1), (1.0, 0), (1.001, 0)):
        rounds = null_rounds(1.0, lambda X: np.abs(X[:, 0]))
        rounds.state.problem = rounds.state.problem.with_beta(factor * critical)
        result = finish(rounds, SolveStatus.MAX_SECONDS, prune=True)
        assert (result.network.n_neurons, result.status) == (neurons, SolveStatus.MAX_SECONDS)


def test_a_network_that_stays_empty_says_so(monkeypatch):
    monkeypatch.setattr(module, "root_of_increasing", lambda slope, low, high: 0.0)
    result = finish(null_rounds(0.01, lambda X: np.abs(X[:, 0])), SolveStatus.MAX_SECONDS, prune=True)
    assert result.network.n_neurons == 0
    assert result.status is SolveStatus.EMPTY
    assert result.certificate.search_violation > 1.0


def test_after_the_limit_no_specks_are_looked_for():
    _, rounds = rounds_of([[0.5, 1e-4], [1.0, 0.0], [0.0, 0.0]], [1.0, -1e-4])
    rounds.deadline = Deadline(0.0)
    assert finish(rounds, SolveStatus.MAX_SECONDS, prune=True).network.n_neurons == 2


def test_bounds_are_given_up_where_they_rise_too_little_to_close_the_gap():
    def rising(rate):
        return [(0.0, 0.0, "norms"), *((k / 10, rate * k, "lifted") for k in range(1, 11))]

    # Ten seconds are left, and the gap is 10 less what ten steps brought.
    until = Deadline(10.0)
    assert module._is_hopeless(rising(0.01), 10.0, until)  # 0.1 a second: 1 of 9.9
    assert not module._is_hopeless(rising(0.1), 10.0, until)  # 1 a second: all of the gap
    assert not module._is_hopeless(rising(0.01)[:3], 10.0, until)  # too short a look


def test_a_hopeless_proof_leaves_its_time_and_keeps_its_bound(monkeypatch):
    _, rounds = rounds_of([[0.5], [1.0], [0.0]], [1.0])
    seen = []

    def bounds(*_, **__):
        for k in range(20):
            seen.append(k)
            yield LowerBound(0.1 * k, 1e-9 * k, "lifted")

    monkeypatch.setattr(module, "improving_bounds", bounds)
    module._prove(rounds, hurried=False)
    assert seen == [0, 1, 2]
    assert 0.0 < rounds.state.lower_bound <= 2e-9


def test_after_the_limit_a_network_with_neurons_is_neither_searched_nor_proved_about():
    _, rounds = rounds_of([[0.5], [1.0], [0.0]], [1.0])
    rounds.deadline = Deadline(0.0)
    certificate = finish(rounds, SolveStatus.MAX_SECONDS, prune=True).certificate
    assert certificate.search_violation is None
    assert certificate.lower_bound == 0.0


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_where_time_is_too_short_for_norms_of_patterns_those_of_the_data_prove_something(
    n_outputs, monkeypatch
):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((12, 3)), rng.standard_normal((12, n_outputs)).squeeze()
    problem = Problem(X, y, 0.5)
    state = TrainingState(problem)
    rounds = Rounds(state, problem, 1e-3, Deadline(60.0), rng, True, Units.of(problem))
    monkeypatch.setattr(module, "_SECONDS_OF_NORMS", 1e3)
    module._prove(rounds, hurried=False)
    assert state.proof == "norms of data and dual variable"
    assert 0.0 < state.lower_bound <= train(problem).certificate.objective
