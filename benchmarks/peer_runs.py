"""Run another package in its own environment on a problem of ours, and judge its answer by our objective.

The interpreter is the one that ``CVXNN_PEERS_PYTHON`` names, by default the one that ``make peers`` makes. Only the
solve is timed, inside the other process, after imports and a tiny warm-up.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cvxnn import Problem, ReLUNetwork
from cvxnn.validation import Array

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, eq=False)
class PeerResult:
    """What a peer found: blocks of the program on the gates, judged by the program and by the network they make."""

    blocks: Array  # (S, d, P), output signs +1 and -1; S = 1 for gated
    seconds: float
    cpu_seconds: float
    objective: float  # of the convex program, whose cones the blocks may leave
    network_objective: float  # of the ReLU network of the blocks
    violation: float  # max over blocks and samples of ((1 - 2D) X w)_+


def peers_python() -> Path | None:
    """Return the peers' interpreter, None where there is none."""
    python = Path(os.environ.get("CVXNN_PEERS_PYTHON", ROOT / ".venv-peers/bin/python"))
    return python if python.is_file() else None


def run_peer(
    script: str, problem: Problem, gates: Array, *, max_seconds: float = 600.0, **options: Any
) -> PeerResult:
    """Run ``benchmarks/peers/<script>.py`` on a problem and gates (d, P).

    Raises
    ------
    RuntimeError
        If the peer fails or is not done after ``max_seconds``; the message ends with its last line.
    """
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder, "problem.npz"), Path(folder, "solution.npz")
        np.savez(given, X=problem.X, y=problem.y, beta=problem.beta, gates=gates)
        command = [str(peers_python()), str(ROOT / f"benchmarks/peers/{script}.py"), str(given), str(found)]
        environment = os.environ | {"OMP_NUM_THREADS": str(options.get("threads", 1))}
        try:
            subprocess.run(
                [*command, json.dumps(options)],
                check=True, capture_output=True, text=True, timeout=max_seconds, env=environment,
            )  # fmt: skip
        except subprocess.CalledProcessError as error:
            raise RuntimeError(
                f"{script}: {(error.stderr.strip() or 'no message').splitlines()[-1]}"
            ) from error
        except subprocess.TimeoutExpired as error:
            raise RuntimeError(f"{script}: not done after {max_seconds:g} s") from error
        with np.load(found) as solution:
            seconds = float(solution["seconds"]), float(solution["cpu_seconds"])
            return judge(problem, solution["gates"], solution["blocks"], *seconds)


def judge(problem: Problem, gates: Array, blocks: Array, seconds: float, cpu_seconds: float) -> PeerResult:
    """Evaluate blocks (S, d, P) in float64."""
    masks, signs = problem.X @ gates >= 0, (1.0, -1.0)[: len(blocks)]
    products = [problem.X @ block for block in blocks]
    f = sum(sign * np.sum(masks * z, axis=1) for sign, z in zip(signs, products, strict=True))
    penalty = problem.beta * float(np.sum(np.linalg.norm(blocks, axis=1)))
    violation = max(float(np.max(np.where(masks, -z, z))) for z in products)
    roots = [np.sqrt(np.linalg.norm(block, axis=0)) for block in blocks]
    network = ReLUNetwork(
        np.hstack([block / np.where(r > 0, r, 1.0) for block, r in zip(blocks, roots, strict=True)]),
        np.concatenate([sign * r for sign, r in zip(signs, roots, strict=True)]),
    )
    return PeerResult(
        blocks, seconds, cpu_seconds, problem.loss_value(f, problem.null_offset()) + penalty,
        problem.objective(network), max(violation, 0.0),
    )  # fmt: skip
