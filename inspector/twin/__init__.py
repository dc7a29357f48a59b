"""Floor 3: the simulated line, our commissioning and test bench."""
