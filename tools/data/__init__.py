"""Pictures with what is known of them: read from any layout, checked, split, counted, written as COCO."""

from tools.data.reading import read
from tools.data.record import Choice, Dataset, Mark, MaskKind, Record, Trouble

__all__ = ["Choice", "Dataset", "Mark", "MaskKind", "Record", "Trouble", "read"]
