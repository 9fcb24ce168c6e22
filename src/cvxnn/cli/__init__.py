"""The command line: ``cvxnn fit``, ``predict``, ``certify`` and ``info``."""

from cvxnn.cli.commands import app as app
from cvxnn.cli.commands import main

__all__ = ["main"]
