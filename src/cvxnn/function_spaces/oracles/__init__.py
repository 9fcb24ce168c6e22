"""The unit neuron that correlates most with a dual variable, for each activation."""
