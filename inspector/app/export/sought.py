"""Whether a reviewed part is one that is sought: as the history says it, for parts that are at hand. Pure."""

from inspector.domain.inspection import Inspection, Opinion, Review
from inspector.ports.history import PartSearch


def is_sought(inspection: Inspection, review: Review, sought: PartSearch) -> bool:
    """Whether all that is given holds. ``review``: the one that counts."""
    part = inspection.part
    labels = {defect.detection.label for defect in inspection.verdict.defects}
    span = sought.opened
    return (
        sought.serial in {"", part.serial}
        and sought.lot in {"", part.lot}
        and sought.part_seq in {None, part.part_seq}
        and sought.recipe in {"", inspection.recipe.name}
        and sought.model in {"", inspection.model.name}
        and sought.outcome in {None, inspection.verdict.outcome}
        and (not sought.label or sought.label in labels)
        and (span is None or span.start_utc <= inspection.opened_utc < span.end_utc)
        and (not sought.disagreement or review.opinion is Opinion.DISAGREE)
    )
