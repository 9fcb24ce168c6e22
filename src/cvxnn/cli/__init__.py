"""The command line: ``cvxnn fit``, ``predict``, ``certify`` and ``info``."""

from cvxnn.cli.commands import app, main

__all__ = ["app", "main"]
