"""Which runtime looks: the installed ones are measured on this PC with the real model and frame size."""
