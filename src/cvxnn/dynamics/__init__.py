"""Training dynamics: descent methods and flows of two-layer networks, their trajectories, and what they tend to.

Functions take a problem first; `logistic_flow` takes (X, y), as what it tends to, max margin, has no weight decay.
"""

from cvxnn.dynamics import initialisation
from cvxnn.dynamics.beside_convex.comparison import ConvexComparison, convex_comparison
from cvxnn.dynamics.beside_convex.meeting_point import meeting
from cvxnn.dynamics.beside_convex.neuron_by_neuron import (
    block_velocities,
    side_by_side,
)
from cvxnn.dynamics.descent.methods import Adagrad, Adam, GradientDescent, Method, Momentum, decaying
from cvxnn.dynamics.descent.projected import projected_descent
from cvxnn.dynamics.descent.simulation import simulate
from cvxnn.dynamics.descent.sources import FreshSamples, FullBatch, MiniBatches, SampleSource
from cvxnn.dynamics.descent.stochastic_limit import sgd_limit
from cvxnn.dynamics.flows.logistic import LogisticFlow, load_logistic_flow, logistic_flow
from cvxnn.dynamics.flows.network_flow import gradient_flow
from cvxnn.dynamics.flows.order import descent_order
from cvxnn.dynamics.flows.separation_times import Separation, separation, separation_time
from cvxnn.dynamics.lazy_regime.closeness import lazy_training, tangent_spectrum
from cvxnn.dynamics.lazy_regime.limits import (
    neuron_movement,
    training_limits,
)
from cvxnn.dynamics.lazy_regime.linearised import infinite_width_kernel, linearise
from cvxnn.dynamics.lazy_regime.random_feature_limit import output_training, ridge_output
from cvxnn.dynamics.lazy_regime.scaling import lazy_scaling
from cvxnn.dynamics.particles.flow import particle_flow, particles_of
from cvxnn.dynamics.particles.measures import SphereMeasure, measure_distance
from cvxnn.dynamics.particles.optimum import particle_optimality
from cvxnn.dynamics.particles.studies import RadiusStudy, WidthStudy, radius_study, width_study
from cvxnn.dynamics.particles.teachers import Teacher, random_teachers
from cvxnn.dynamics.small_starts.alignment_theorem import early_alignment
from cvxnn.dynamics.small_starts.early_flow import EarlyPath, early_path
from cvxnn.dynamics.small_starts.learning_steps import (
    SaddleToSaddle,
    predicted_steps,
    saddle_to_saddle,
)
from cvxnn.dynamics.small_starts.limit_directions import critical_directions
from cvxnn.dynamics.starts.objectives import Samples
from cvxnn.dynamics.starts.weights import Weights
from cvxnn.dynamics.trajectories.alignment import (
    AlignmentCosines,
    aligned_share,
    alignment_times,
    largest_cosines,
)
from cvxnn.dynamics.trajectories.record_book import Record
from cvxnn.dynamics.trajectories.trajectory import FlowEvents, Trajectory, load_trajectory
from cvxnn.names import keep_old_names
from cvxnn.statuses import TrajectoryStatus

__all__ = [
    "Adagrad",
    "Adam",
    "AlignmentCosines",
    "ConvexComparison",
    "EarlyPath",
    "FlowEvents",
    "FreshSamples",
    "FullBatch",
    "GradientDescent",
    "LogisticFlow",
    "Method",
    "MiniBatches",
    "Momentum",
    "RadiusStudy",
    "Record",
    "SaddleToSaddle",
    "SampleSource",
    "Samples",
    "Separation",
    "SphereMeasure",
    "Teacher",
    "Trajectory",
    "TrajectoryStatus",
    "Weights",
    "WidthStudy",
    "aligned_share",
    "alignment_times",
    "block_velocities",
    "convex_comparison",
    "critical_directions",
    "decaying",
    "descent_order",
    "early_alignment",
    "early_path",
    "gradient_flow",
    "infinite_width_kernel",
    "initialisation",
    "largest_cosines",
    "lazy_scaling",
    "lazy_training",
    "linearise",
    "load_logistic_flow",
    "load_trajectory",
    "logistic_flow",
    "measure_distance",
    "meeting",
    "neuron_movement",
    "output_training",
    "particle_flow",
    "particle_optimality",
    "particles_of",
    "predicted_steps",
    "projected_descent",
    "radius_study",
    "random_teachers",
    "ridge_output",
    "saddle_to_saddle",
    "separation",
    "separation_time",
    "sgd_limit",
    "side_by_side",
    "simulate",
    "tangent_spectrum",
    "training_limits",
    "width_study",
]

keep_old_names(
    __name__,
    {
        "linearize": "linearise",
        "FlowStatus": "TrajectoryStatus",
        "BlockVelocities": "cvxnn.dynamics.beside_convex.neuron_by_neuron.BlockVelocities",
        "CriticalDirection": "cvxnn.dynamics.small_starts.limit_directions.CriticalDirection",
        "DescentOrder": "cvxnn.dynamics.flows.order.DescentOrder",
        "EarlyAlignment": "cvxnn.dynamics.small_starts.alignment_theorem.EarlyAlignment",
        "LazyScaling": "cvxnn.dynamics.lazy_regime.scaling.LazyScaling",
        "LazyTraining": "cvxnn.dynamics.lazy_regime.closeness.LazyTraining",
        "LearningStep": "cvxnn.dynamics.small_starts.learning_steps.LearningStep",
        "LinearisedNetwork": "cvxnn.dynamics.lazy_regime.linearised.LinearisedNetwork",
        "MassObjective": "cvxnn.dynamics.particles.flow.MassObjective",
        "Meeting": "cvxnn.dynamics.beside_convex.meeting_point.Meeting",
        "NeuronMovement": "cvxnn.dynamics.lazy_regime.limits.NeuronMovement",
        "OutputTraining": "cvxnn.dynamics.lazy_regime.random_feature_limit.OutputTraining",
        "ParticleOptimality": "cvxnn.dynamics.particles.optimum.ParticleOptimality",
        "ProjectedPath": "cvxnn.dynamics.descent.projected.ProjectedPath",
        "SGDLimit": "cvxnn.dynamics.descent.stochastic_limit.SGDLimit",
        "SideBySide": "cvxnn.dynamics.beside_convex.neuron_by_neuron.SideBySide",
        "TrainingLimits": "cvxnn.dynamics.lazy_regime.limits.TrainingLimits",
        "BatchedObjective": "cvxnn.dynamics.starts.objectives.BatchedObjective",
        "EarlyEnd": "cvxnn.dynamics.small_starts.early_flow.EarlyEnd",
    },
)
