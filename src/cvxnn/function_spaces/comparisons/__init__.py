"""F_1 beside F_2: norms, a single neuron, approximation on the circle."""
