"""Measures the line on this PC: one process for each thing measured, taking turns in one run."""
