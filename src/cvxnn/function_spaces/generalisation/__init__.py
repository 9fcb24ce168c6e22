"""Learning in F_1 and F_2: targets, learners, excess risk, Rademacher complexity."""
