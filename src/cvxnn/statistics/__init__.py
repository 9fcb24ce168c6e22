"""Numbers that sum up fits and repetitions: R2, root mean squares, exponents of power laws."""

from cvxnn.statistics.exponents import Slope, log_log_slope
from cvxnn.statistics.fits import r_squared, root_mean_square

__all__ = ["Slope", "log_log_slope", "r_squared", "root_mean_square"]
