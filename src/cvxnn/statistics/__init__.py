"""Numbers that sum up fits and repetitions: R2, root mean squares, exponents of power laws.

A room of the package's own: its names are not public.
"""

from cvxnn.statistics.exponents import Slope as Slope
from cvxnn.statistics.exponents import log_log_slope as log_log_slope
from cvxnn.statistics.fits import r_squared as r_squared
from cvxnn.statistics.fits import root_mean_square as root_mean_square
