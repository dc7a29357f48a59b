"""How many pixels make a millimetre: measured, kept with its certificate, and checked again."""
