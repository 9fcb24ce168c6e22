"""Networks in unit-norm form, rounds of fits, and exponents of power laws."""
