"""Finds the GenTL consumer, or says how it is installed."""

import warnings

try:
    with warnings.catch_warnings():
        # its wrapper's own types have no module; told to make an error of that, the library ends the process
        warnings.simplefilter("ignore", DeprecationWarning)
        from genicam import genapi, gentl
        from harvesters.core import Harvester
except ImportError as error:
    raise ImportError(f"harvesters is missing ({error}); in the checkout: pip install '.[gentl]'") from error

__all__ = ["Harvester", "genapi", "gentl"]
