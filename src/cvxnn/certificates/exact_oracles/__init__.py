"""The largest value of the dual constraint, exactly, where that is affordable."""
