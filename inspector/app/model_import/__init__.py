"""A stranger's ONNX file becomes a model package: look, propose, write, prove."""
