"""The demonstration: a whole simulated plant on this PC, started and stopped by one command."""
