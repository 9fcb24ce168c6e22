"""Pictures of fits: training, paths of weight decay, cross-validation, neurons."""
