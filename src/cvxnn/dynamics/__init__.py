"""Training dynamics: descent methods and flows of two-layer networks, their trajectories, and what they tend to."""

from cvxnn.dynamics import initialisation
from cvxnn.dynamics.beside_convex.comparison import ConvexComparison, convex_comparison
from cvxnn.dynamics.beside_convex.meeting_point import Meeting, meeting
from cvxnn.dynamics.beside_convex.neuron_by_neuron import (
    BlockVelocities,
    SideBySide,
    block_velocities,
    side_by_side,
)
from cvxnn.dynamics.descent.methods import Adagrad, Adam, GradientDescent, Method, Momentum, decaying
from cvxnn.dynamics.descent.projected import ProjectedPath, projected_descent
from cvxnn.dynamics.descent.simulation import simulate
from cvxnn.dynamics.descent.sources import FreshSamples, FullBatch, MiniBatches, SampleSource
from cvxnn.dynamics.descent.stochastic_limit import SGDLimit, sgd_limit
from cvxnn.dynamics.flows.logistic import LogisticFlow, load_logistic_flow, logistic_flow
from cvxnn.dynamics.flows.network_flow import gradient_flow
from cvxnn.dynamics.flows.order import DescentOrder, descent_order
from cvxnn.dynamics.flows.separation_times import Separation, separation, separation_time
from cvxnn.dynamics.lazy_regime.closeness import LazyTraining, lazy_training, tangent_spectrum
from cvxnn.dynamics.lazy_regime.limits import (
    NeuronMovement,
    TrainingLimits,
    neuron_movement,
    training_limits,
)
from cvxnn.dynamics.lazy_regime.linearised import LinearisedNetwork, infinite_width_kernel, linearize
from cvxnn.dynamics.lazy_regime.random_feature_limit import OutputTraining, output_training, ridge_output
from cvxnn.dynamics.lazy_regime.scaling import LazyScaling, lazy_scaling
from cvxnn.dynamics.particles.flow import MassObjective, particle_flow, particles_of
from cvxnn.dynamics.particles.measures import SphereMeasure, measure_distance
from cvxnn.dynamics.particles.optimum import ParticleOptimality, particle_optimality
from cvxnn.dynamics.particles.studies import RadiusStudy, WidthStudy, radius_study, width_study
from cvxnn.dynamics.particles.teachers import Teacher, random_teachers
from cvxnn.dynamics.small_starts.alignment_theorem import EarlyAlignment, early_alignment
from cvxnn.dynamics.small_starts.early_flow import EarlyEnd, EarlyPath, early_path
from cvxnn.dynamics.small_starts.learning_steps import (
    LearningStep,
    SaddleToSaddle,
    predicted_steps,
    saddle_to_saddle,
)
from cvxnn.dynamics.small_starts.limit_directions import CriticalDirection, critical_directions
from cvxnn.dynamics.starts.objectives import BatchedObjective, Samples
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
    "BatchedObjective",
    "BlockVelocities",
    "ConvexComparison",
    "CriticalDirection",
    "DescentOrder",
    "EarlyAlignment",
    "EarlyEnd",
    "EarlyPath",
    "FlowEvents",
    "FreshSamples",
    "FullBatch",
    "GradientDescent",
    "LazyScaling",
    "LazyTraining",
    "LearningStep",
    "LinearisedNetwork",
    "LogisticFlow",
    "MassObjective",
    "Meeting",
    "Method",
    "MiniBatches",
    "Momentum",
    "NeuronMovement",
    "OutputTraining",
    "ParticleOptimality",
    "ProjectedPath",
    "RadiusStudy",
    "Record",
    "SGDLimit",
    "SaddleToSaddle",
    "SampleSource",
    "Samples",
    "Separation",
    "SideBySide",
    "SphereMeasure",
    "Teacher",
    "TrainingLimits",
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
    "linearize",
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

keep_old_names(__name__, {"FlowStatus": "TrajectoryStatus"})
