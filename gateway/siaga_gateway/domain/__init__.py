"""Pure rules: no I/O, no clock, no framework. Time is an argument."""
