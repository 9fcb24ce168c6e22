"""Public names: old ones that still work, and those that are imported when they are first asked for."""

from cvxnn.names.lazy import export_lazily
from cvxnn.names.old import keep_old_arguments, keep_old_names

__all__ = ["export_lazily", "keep_old_arguments", "keep_old_names"]
