"""Training dynamics: descent methods and flows of two-layer networks, their trajectories, and what they tend to."""

from cvxnn.dynamics import initialisation
from cvxnn.dynamics.alignment import AlignmentCosines, aligned_share, alignment_times, largest_cosines
from cvxnn.dynamics.convex_comparison import ConvexComparison, convex_comparison
from cvxnn.dynamics.critical_directions import CriticalDirection, critical_directions
from cvxnn.dynamics.descent_order import DescentOrder, descent_order
from cvxnn.dynamics.early_alignment import EarlyAlignment, early_alignment
from cvxnn.dynamics.early_flow import EarlyEnd, EarlyPath, early_path
from cvxnn.dynamics.flow_events import FlowEvents
from cvxnn.dynamics.gradient_flow import gradient_flow
from cvxnn.dynamics.lazy import LazyTraining, lazy_training, tangent_spectrum
from cvxnn.dynamics.lazy_scaling import LazyScaling, lazy_scaling
from cvxnn.dynamics.linearise import LinearisedNetwork, infinite_width_kernel, linearize
from cvxnn.dynamics.logistic_flow import FlowStatus, LogisticFlow, load_logistic_flow, logistic_flow
from cvxnn.dynamics.meeting import Meeting, meeting
from cvxnn.dynamics.methods import Adagrad, Adam, GradientDescent, Method, Momentum
from cvxnn.dynamics.objectives import BatchedObjective, Samples
from cvxnn.dynamics.particle_flow import MassObjective, particle_flow, particles_of
from cvxnn.dynamics.particle_measures import SphereMeasure, measure_distance
from cvxnn.dynamics.particle_optimum import ParticleOptimality, particle_optimality
from cvxnn.dynamics.projected_descent import ProjectedPath, projected_descent
from cvxnn.dynamics.random_feature_limit import OutputTraining, output_training, ridge_output
from cvxnn.dynamics.record import Record
from cvxnn.dynamics.saddle_to_saddle import LearningStep, SaddleToSaddle, predicted_steps, saddle_to_saddle
from cvxnn.dynamics.schedules import decaying
from cvxnn.dynamics.separation import Separation, separation, separation_time
from cvxnn.dynamics.sgd_limit import SGDLimit, sgd_limit
from cvxnn.dynamics.side_by_side import BlockVelocities, SideBySide, block_velocities, side_by_side
from cvxnn.dynamics.simulate import simulate
from cvxnn.dynamics.sources import FreshSamples, FullBatch, MiniBatches, SampleSource
from cvxnn.dynamics.teacher_studies import RadiusStudy, WidthStudy, radius_study, width_study
from cvxnn.dynamics.teachers import Teacher, random_teachers
from cvxnn.dynamics.training_limits import NeuronMovement, TrainingLimits, neuron_movement, training_limits
from cvxnn.dynamics.trajectory import Trajectory, TrajectoryStatus, load_trajectory
from cvxnn.dynamics.weights import Weights

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
    "FlowStatus",
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
