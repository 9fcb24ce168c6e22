"""Function spaces of infinitely wide networks: the variation norm (F_1) and kernels (F_2)."""
