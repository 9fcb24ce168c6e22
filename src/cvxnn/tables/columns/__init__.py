"""Columns of tables: which values are numbers or categories, and how they become a data matrix."""
