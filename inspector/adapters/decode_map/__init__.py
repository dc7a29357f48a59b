"""Decoders of maps: a class map's cells, or an anomaly map's, become components, components become detections."""
