"""Finds Aravis and what speaks to it, or says how they are installed."""

_REMEDY = (
    "install both: apt-get install gir1.2-aravis-0.8 libgirepository1.0-dev libcairo2-dev gcc pkg-config, "
    "then, in the checkout: pip install '.[aravis]'"
)
try:
    import gi

    gi.require_version("Aravis", "0.8")
    from gi.repository import Aravis, GLib
except (ImportError, ValueError) as error:  # gi raises ValueError for a library that is not there
    raise ImportError(f"Aravis is missing ({error}); {_REMEDY}") from error

__all__ = ["Aravis", "GLib"]
