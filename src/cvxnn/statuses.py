"""Why something ended, as sentences with the remedy in them: of solves and fits, and of trajectories."""

from __future__ import annotations

from enum import Enum


class SolveStatus(Enum):
    """Why a solve, a fit or a descent to an optimum stopped: a sentence, with the remedy in it."""

    PROVEN = "Optimal to tol: the proven relative gap is at most tol."
    SOLVED = "Solved: the proven program gap is at most tol."
    STATIONARY = "Stationary: the residual is at most tol, and no direction goes down by more."
    SMOOTHED = (
        "Optimal to tol for the smoothed loss that was trained; the gap of the loss itself is a little larger than "
        "tol: lower tol."
    )
    NO_VIOLATION = (
        "No direction that violates the dual by more than tol was found, but the proven bound did not close: nothing "
        "better is known, and what is proved is the gap the certificate states; with fewer columns (rank 2 to 4) the "
        "proof is exact."
    )
    SETTLED = (
        "What the last rounds brought, and the violation of the dual that is left, put the optimum within tol of the "
        "objective: an estimate from experience, while what is proved is the gap that the certificate states; lower "
        "tol, or give max_seconds, to go on."
    )
    DESCENDED = (
        "Descent with fresh neurons no longer lowers the objective by more than tol; for data of this size the convex "
        "programs that could go further were too dear: give more max_seconds for them."
    )
    NO_DESCENT = (
        "The search found no neuron that improves the network by more than tol, but its upper bound does not prove "
        "that there is none: nothing better is known; with fewer columns or rows, or more oracle_seconds, the oracle "
        "is exact."
    )
    ROUNDING = (
        "Stopped by rounding: what the oracle found improves the network by no more than that, and its upper bound, "
        "which allows for rounding, does not prove the gap that tol asks for; raise tol."
    )
    STALLED = (
        "The objective no longer falls, though tol is not reached: rounding hides the way down, and this is as good "
        "as float64 allows here; rescale the data or raise tol."
    )
    FINISHED = (
        "The solver could not improve further before the gap reached tol: try solver='interior_point' or a "
        "larger tol."
    )
    MAX_ROUNDS = (
        "Stopped at max_rounds before tol was reached (train without a time limit takes only a few rounds on large "
        "data): the best so far is returned; raise max_rounds, or give train max_seconds, to go on for that long."
    )
    MAX_STEPS = (
        "Stopped at max_steps before the gap reached tol: the best so far is returned; raise max_steps, or start from "
        "what is returned, to go on."
    )
    MAX_SECONDS = (
        "Stopped at max_seconds before tol was reached: the best so far is returned; raise max_seconds, or start from "
        "what is returned, to go on."
    )
    INTERRUPTED = "Interrupted: the best so far is returned; start from it to go on."
    STOPPED = "Stopped by the callback: the best so far is returned."
    EMPTY = (
        "No neurons yet, though nothing proves that none are best, and beta may be below the critical one: raise "
        "max_seconds, or rescale the data."
    )
    NOT_FINITE = (
        "A step overflowed or met a singular system; these are the last good blocks: rescale the data or use another "
        "solver."
    )


class TrajectoryStatus(Enum):
    """Why a trajectory ended, of descent or of a flow: a sentence."""

    FINISHED = "All steps were taken."
    REACHED = "The loss fell to the value asked for."
    STOPPED = "The weights stopped to move before the loss fell that far: try another start, or more neurons."
    CLOCK = "The clock ran out before the loss fell that far: try another start, or raise max_clock."
    DIVERGED = "All networks diverged: take smaller steps."
    STALLED = "No flow could be continued, its steps fell below rounding; the trajectory ends there."
    MAX_SECONDS = "Stopped at max_seconds: the trajectory ends there; raise max_seconds to go on."
    TIME_LIMIT = MAX_SECONDS  # its name in files of old
    INTERRUPTED = "Interrupted: the trajectory ends there."
