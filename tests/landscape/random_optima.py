"""Random small problems with all their patterns, exact optima, and networks on and off the kinks."""

from __future__ import annotations

import numpy as np

from cvxnn import Problem, ReLUNetwork, ReLUProgram, beta_max, enumerate_patterns
from cvxnn.atoms import Atoms, basic_atoms
from cvxnn.landscape.minimal_networks.operations import permute, split
from cvxnn.landscape.optimum.exact_optimum import Optimum
from cvxnn.testing.samplers import DATA

LOSSES = ("squared", "logistic")
# Of the data samplers, those of ordinary size: losses and weights are then of size one, as tolerances are.
ORDINARY = tuple(name for name in DATA if name not in ("tiny", "huge", "badly_scaled_rows"))


def small_problem(seed: int, loss: str, *, data: str = "gaussian", output_offset: bool = False) -> Problem:
    """Draw n <= 6 samples in d <= 3 dimensions, and a beta at which the optimum is not zero."""
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(2, 7)), int(rng.integers(1, 4))
    X = DATA[data](rng, n, d)
    y = 2.0 * rng.standard_normal(n)
    if loss == "logistic":
        y = np.where(rng.permutation(n) < max(1, n // 2), 1.0, -1.0)
    problem = Problem(X, y, 1.0, loss, output_offset)
    return problem.with_beta(float(rng.uniform(0.02, 0.3)) * max(beta_max(problem), 1e-3))


def optimal(problem: Problem) -> tuple[ReLUProgram, ReLUNetwork]:
    """Return the convex program on all patterns, and the network of one of its optima with a gap of rounding."""
    program = ReLUProgram(problem, enumerate_patterns(problem.X))
    zero = np.zeros((problem.n_features, program.n_blocks))
    optimum = Optimum.of(problem, Atoms(zero, program.masks, program.signs), speck=1e-6)
    network = basic_atoms(problem, optimum.atoms).network(problem, np.array([optimum.offset]))
    bound = program.dual_bound(optimum.dual)
    assert problem.objective(network) - bound <= 1e-12 * max(1.0, bound)
    return program, network


def shattered(network: ReLUNetwork, rng: np.random.Generator, parts: int = 3) -> ReLUNetwork:
    """Return another form of a network: every neuron split, zero neurons added, all permuted."""
    for neuron in reversed(range(network.n_neurons)):
        network = split(network, neuron, rng.dirichlet(np.ones(parts)))
    hidden = np.hstack([network.hidden, np.zeros((network.n_features, 2))])
    output = np.concatenate([network.output, np.zeros((2, *network.output.shape[1:]))])
    wide = ReLUNetwork(hidden, output, network.offset)
    return permute(wide, rng.permutation(wide.n_neurons))


def on_kinks(network: ReLUNetwork, X: np.ndarray, rng: np.random.Generator) -> ReLUNetwork:
    """Return the network with every second neuron moved to the kink of a random sample, as far as it has others."""
    hidden = np.array(network.hidden)
    for j in range(0, network.n_neurons, 2):
        x = X[rng.integers(len(X))]
        if x @ x > 0:
            hidden[:, j] -= x * (x @ hidden[:, j]) / (x @ x)
    return ReLUNetwork(hidden, network.output, network.offset)
