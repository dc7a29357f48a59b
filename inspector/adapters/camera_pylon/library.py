"""Finds pylon, or says how it is installed."""

import warnings

try:
    with warnings.catch_warnings():
        # its wrapper's own types have no module; told to make an error of that, the library ends the process
        warnings.simplefilter("ignore", DeprecationWarning)
        from pypylon import genicam, pylon
except ImportError as error:
    raise ImportError(f"pylon is missing ({error}); in the checkout: pip install '.[pylon]'") from error

__all__ = ["genicam", "pylon"]
