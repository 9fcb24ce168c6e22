"""The command line: ``cvxnn fit``, ``predict``, ``certify`` and ``info``."""

from cvxnn.cli.app import app, main

__all__ = ["app", "main"]
