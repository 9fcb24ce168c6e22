"""The colours of the pictures, told apart by colour-blind readers.

References
----------
M. Okabe and K. Ito, "Color universal design", 2008.
"""

BLUE = "#0072B2"
VERMILLION = "#D55E00"
GREEN = "#009E73"
PURPLE = "#CC79A7"
GREY = "#7F7F7F"
BLACK = "#1A1A1A"

SIGN_COLOURS = {1: BLUE, -1: VERMILLION, 0: GREY}
"""Colour of a neuron by the sign of its output weight; 0 where there is no sign, with several outputs."""
