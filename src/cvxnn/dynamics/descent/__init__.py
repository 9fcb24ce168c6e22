"""First-order methods, where gradients come from, and the loop that runs them."""
