"""The landscape of training: optimal sets, minimal networks, stationary points, paths between networks, duality."""
