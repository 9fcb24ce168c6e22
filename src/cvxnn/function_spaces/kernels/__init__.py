"""F_2: arc-cosine kernels, ridge regression, random features."""
