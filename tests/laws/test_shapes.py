"""One output as a vector or as a column: (n,) and (n, 1), (m,) and (m, 1) are the same problem and the same network."""

from __future__ import annotations

import ast
import dataclasses
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import cvxnn
from cvxnn import (
    GatedReLUNetwork,
    GatedReLUProgram,
    Problem,
    ReLUNetwork,
    ReLUProgram,
    beta_max,
    certify,
    enumerate_patterns,
    solve,
    train,
)
from cvxnn.certificates import (
    CellOracle,
    RowSpace,
    SweepOracle,
    joint_dual_sdp,
    network_dual,
    search,
)
from cvxnn.certificates.bounds.norms import norm_bound
from cvxnn.certificates.bounds.relaxation import relaxed_upper_bound
from cvxnn.certificates.relaxations.row_groups import group_rows
from cvxnn.dynamics import Weights, linearise, ridge_output, simulate
from cvxnn.function_spaces import constrained_fit, unit_norm_form, variation_norm
from cvxnn.interpretation import active_regions
from cvxnn.landscape import (
    descend_to_stationarity,
    directional_slopes,
    free_bias_spline,
    is_basic,
    largest_spread,
    local_minima,
    locate,
    merge_cones,
    minimal,
    minimum_norm_interpolation,
    optimal_set,
    optimal_spline,
    prune,
    solve_dual,
    spline_kinks,
    stationarity,
    sub_sampled_program,
    to_blocks,
    what_changed,
)
from cvxnn.losses import LOSSES
from cvxnn.margin import max_margin
from cvxnn.validation import as_columns, as_vector, one_column, row_norms

SOURCE = Path(cvxnn.__file__).parent
KINDS = list(product((False, True), repeat=2))  # whether y, and whether the output weights, are a column
rng = np.random.default_rng(3)
X = np.column_stack([rng.standard_normal(7), np.ones(7)])
LABELS = np.array([1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0])
VALUES = np.sin(2.0 * X[:, 0]) + 0.1 * rng.standard_normal(7)
NETWORK = ReLUNetwork([[1.0, -0.6, 0.3], [0.2, 0.5, -0.7]], [0.8, -0.5, 0.4])
PATTERNS = enumerate_patterns(X)
ONE_OUTPUT_LOSSES = sorted(
    set(LOSSES) - {"multinomial"}
)  # its targets are one-hot rows of two columns at least


def shaped(array, is_column):
    return array[:, None] if is_column else array


def network_of(is_column):
    return NETWORK.with_output(shaped(NETWORK.output, is_column))


def gated_of(is_column):
    return GatedReLUNetwork(PATTERNS.gates[:, :3], NETWORK.hidden, shaped(NETWORK.output, is_column))


def problem_of(loss, is_column, offset=False):
    targets = LABELS if cvxnn.losses.get_loss(loss).is_classification else VALUES
    return Problem(X, shaped(targets, is_column), 0.05, loss, output_offset=offset)


def numbers(value):
    """Return all numbers of a result, in order, without their shapes and without clocks."""
    if isinstance(value, np.ndarray | float | int | np.generic):
        return np.ravel(np.asarray(value, dtype=np.float64))
    if isinstance(value, Problem):
        return value.y.ravel()
    if dataclasses.is_dataclass(value):
        fields = (
            f.name for f in dataclasses.fields(value) if f.name != "seconds" and not f.name.startswith("_")
        )
        value = [getattr(value, name) for name in fields]
    parts = [numbers(part) for part in value] if isinstance(value, list | tuple) else []
    return np.concatenate([np.zeros(0), *parts])


def check_shapes_agree(door, loss="squared", offset=False):
    """Raise unless a door gives the same numbers, to the last bit, for all four kinds of targets and networks.

    To the last bit: behind the door all four are one computation.
    """
    expected = numbers(door(problem_of(loss, False, offset), network_of(False)))
    assert expected.size
    for column_of_y, column_of_output in KINDS[1:]:
        found = numbers(door(problem_of(loss, column_of_y, offset), network_of(column_of_output)))
        assert np.array_equal(found, expected, equal_nan=True), (loss, column_of_y, column_of_output)


def residual(problem):
    return shaped(VALUES - NETWORK.predict(X), problem.y.shape != (7,))


FOR_EVERY_LOSS = {
    "objective": lambda p, w: p.objective(w),
    "loss value": lambda p, w: p.loss_value(w.predict(X), np.zeros(1)),
    "loss gradient": lambda p, w: p.loss_gradient(w.predict(X), np.zeros(1)),
    "Newton weights": lambda p, w: p.newton_weights(w.predict(X), np.zeros(1)),
    "dual variable": lambda p, w: p.dual_variable(w.predict(X)),
    "best offset": lambda p, w: p.best_offset(w.predict(X)),
}
PROVED_AND_TRAINED = {
    "certify": lambda p, w: certify(p, w, method="sweep"),
    "train from a start": lambda p, w: train(p, start=w, max_rounds=0, prove=False),
}
DOORS = {
    "network's dual": network_dual,
    "beta_max": lambda p, w: beta_max(p),
    "certify by norms": lambda p, w: certify(p, w, method="norms"),
    "train": lambda p, w: train(p, max_rounds=1),
    "train on patterns": lambda p, w: train(p, patterns=PATTERNS),
    "solve": lambda p, w: solve(ReLUProgram(p, PATTERNS)),
    "solve gated": lambda p, w: solve(GatedReLUProgram(p, PATTERNS)),
    "signs": lambda p, w: solve(ReLUProgram(p, w.patterns(X), np.sign(w.output))),
    "search": lambda p, w: search(X, residual(p)),
    "sweep": lambda p, w: SweepOracle(X).maximise(residual(p)),
    "cells": lambda p, w: CellOracle(X).maximise(residual(p)),
    "norm bound": lambda p, w: norm_bound(RowSpace(X), residual(p)),
    "relaxed bound": lambda p, w: relaxed_upper_bound(RowSpace(X), residual(p)),
    "joint dual SDP": lambda p, w: joint_dual_sdp(p, RowSpace(X), max_seconds=10.0),
    "groups of rows": lambda p, w: group_rows(RowSpace(X), residual(p), 3),
    "stationarity": stationarity,
    "directional slopes": directional_slopes,
    "descend to stationarity": lambda p, w: descend_to_stationarity(p, w),
    "local minima": lambda p, w: local_minima(Problem(X[:3], p.y[:3], 0.05), 1),
    "local minima of an output": lambda p, w: local_minima(
        Problem(X[:3], p.y[:3], 0.05), 1, output=w.output[:1]
    ),
    "basic": lambda p, w: float(is_basic(p, w)),
    "spread": largest_spread,
    "minimal": minimal,
    "prune": prune,
    "merge cones": lambda p, w: merge_cones(w, X),
    "what changed": lambda p, w: what_changed(p, w, network_of(p.y.shape == (7,))),
    "to blocks": lambda p, w: to_blocks(ReLUProgram(p, PATTERNS), w),
    "to gated blocks": lambda p, w: GatedReLUProgram(p, PATTERNS).to_blocks(gated_of(w.output.shape != (3,))),
    "sub-sampled program": lambda p, w: sub_sampled_program(p, w).signs,
    "optimal set": lambda p, w: optimal_set(p).directions,
    "locate": lambda p, w: locate(optimal_set(p), w),
    "solve dual": lambda p, w: solve_dual(p),
    "interpolation": lambda p, w: minimum_norm_interpolation(X, p.y),
    "optimal spline": lambda p, w: optimal_spline(X[:, 0], p.y, 0.05),
    "free bias spline": lambda p, w: free_bias_spline(X[:, 0], p.y, 0.05),
    "spline kinks": lambda p, w: spline_kinks(w, X[:, 0]),
    "simulate": lambda p, w: simulate(p, Weights.of(w), n_steps=3, step_size=0.01, record=("objective",)),
    "linearise": lambda p, w: linearise(w).predict(X),
    "ridge output": ridge_output,
    "constrained fit": lambda p, w: constrained_fit(X, p.y, 1.0),
    "variation norm": lambda p, w: variation_norm(X, p.y),
    "unit norm form": lambda p, w: unit_norm_form(w),
    "max margin": lambda p, w: max_margin(X, shaped(np.sign(X[:, 0]), p.y.shape != (7,))),
    "active regions": lambda p, w: active_regions(w, X).coefficients_frame().to_numpy(),
    "merge": lambda p, w: w.merge(X).balance(),
}


@pytest.mark.parametrize("offset", [False, True])
@pytest.mark.parametrize("loss", ONE_OUTPUT_LOSSES)
def test_shapes_agree_for_every_loss(loss, offset):
    for door in FOR_EVERY_LOSS.values():
        check_shapes_agree(door, loss, offset)


@pytest.mark.parametrize("loss", ONE_OUTPUT_LOSSES)
def test_shapes_agree_where_networks_are_proved_and_trained(loss):
    for door in PROVED_AND_TRAINED.values():
        check_shapes_agree(door, loss)


@pytest.mark.parametrize("name", DOORS)
def test_shapes_agree_at_every_door(name):
    check_shapes_agree(DOORS[name])


@pytest.mark.parametrize(
    "fault",
    [
        # (n,) against (n, 1) broadcasts to (n, n): what happens without a door
        lambda p, w: p.loss.value(w.predict(X), p.y),
        lambda p, w: np.asarray(w.predict(X) - p.y),
        # right for two of the kinds only
        lambda p, w: p.objective(w) if p.y.ndim == w.output.ndim else 0.0,
    ],
)
def test_the_law_rejects_what_broadcasts(fault):
    with pytest.raises(AssertionError):
        check_shapes_agree(fault)


@pytest.mark.parametrize(("column_of_y", "column_of_output"), KINDS)
def test_results_have_the_shape_of_what_was_given(column_of_y, column_of_output):
    problem, network = problem_of("squared", column_of_y), network_of(column_of_output)
    assert network.output.shape == ((3, 1) if column_of_output else (3,))
    assert network.predict(X).shape == ((7, 1) if column_of_output else (7,))
    assert problem.loss_gradient(network.predict(X), np.zeros(1)).shape == network.predict(X).shape
    for result in (train(problem, start=network, max_rounds=1), train(problem, patterns=PATTERNS)):
        assert result.network.output.shape[1:] == problem.y.shape[1:]
        assert result.network.predict(X).shape == problem.y.shape
    assert problem.fitting(network).predict(X).shape == problem.y.shape
    assert problem.one_output().y.shape == network.one_output().predict(X).shape == (7,)
    assert problem.targets.shape == (7, 1)
    assert network.output_weights.shape == (3, 1)


def test_several_outputs_are_no_column():
    problem, network = Problem(X, np.eye(7)[:, :2], 0.1), ReLUNetwork(NETWORK.hidden, np.ones((3, 2)))
    with pytest.raises(ValueError, match=r"y must have one output, \(n,\) or \(n, 1\); got shape \(7, 2\)"):
        problem.one_output()
    with pytest.raises(ValueError, match="network must have one output"):
        network.one_output()
    with pytest.raises(ValueError, match="network must have outputs of shape"):
        problem.objective(NETWORK)
    with pytest.raises(ValueError, match=r"lam must have one column; got shape \(7, 2\)"):
        CellOracle(X).maximise(problem.y)
    with pytest.raises(ValueError, match="f must be 1-D, or have one column"):
        as_vector(problem.y, "f")
    assert problem.flat() is problem


def test_columns_and_norms():
    assert as_columns(np.zeros((0, 1))).shape == as_columns(np.zeros(0)).shape == (0, 1)
    assert one_column(np.arange(3.0)[:, None], "lam").shape == (3,)
    # squares of these are 0 and infinite
    assert row_norms(np.array([[-1e-200], [1e200]])).tolist() == [1e-200, 1e200]
    assert row_norms(np.array([[3.0, 4.0]])).tolist() == [5.0]


# Of data, masks, batches and directions, whose dimension says something else: see `branches`.
OTHERS = {
    "X",
    "x",
    "value",
    "values",
    "array",
    "directions",
    "generators",
    "cosines",
    "scale",
    "masks",
    "hidden",
}


def branches(source):
    """Return the places where code branches on the dimension of an array of outputs.

    They are comparisons of an attribute `ndim`, but for those of `OTHERS`, and where they only refuse.
    """
    tree = ast.parse(source)
    refusals = [
        node.test
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and all(isinstance(step, ast.Raise) for step in node.body)
    ]
    refused = {id(part) for test in refusals for part in ast.walk(test)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and id(node) not in refused:
            for part in ast.walk(node):
                if isinstance(part, ast.Attribute) and part.attr == "ndim":
                    owner = part.value
                    name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
                    if name not in OTHERS:
                        yield node.lineno, ast.unparse(node)


def test_one_output_is_told_from_several_at_the_door():
    found = [
        (path.relative_to(SOURCE), *place)
        for path in sorted(SOURCE.rglob("*.py"))
        for place in branches(path.read_text(encoding="utf-8"))
    ]
    assert len(found) < 15, found


def test_branches_are_counted():
    source = (
        "if y.ndim == 1:\n    f = f[:, None] if f.ndim == 1 else f\nif y.ndim != 1:\n    raise ValueError\n"
    )
    assert [line for line, _ in branches(source)] == [1, 2]
