"""Teach an anomaly model from good pictures, on the appliance: frozen backbone, one Gaussian, one ONNX graph."""
