"""Networks of few neurons: operations, minimality, pruning, and maps to the convex program."""
