"""Training in which weights hardly move: tangent features, random features, and how far training is from them."""
