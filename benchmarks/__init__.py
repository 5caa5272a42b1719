"""Measurements by hand: speed (`make bench`) and detection against planted truth (`make score`). No test reads a clock; these do."""
