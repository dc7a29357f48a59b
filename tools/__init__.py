"""The workshop: training, export, quantisation, evaluation. Never shipped on the appliance."""
