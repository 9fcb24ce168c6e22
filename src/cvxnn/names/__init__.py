"""Public names: old ones that still work, and those that are imported when they are first asked for.

A room of the package's own: its names are not public.
"""

from cvxnn.names.lazy import export_lazily as export_lazily
from cvxnn.names.old import keep_old_arguments as keep_old_arguments
from cvxnn.names.old import keep_old_names as keep_old_names
