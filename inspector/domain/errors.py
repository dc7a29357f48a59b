"""The error tree: what went wrong, said once at the border where it happened.

    InspectorError
    ├── ConfigError      a human must mend a file           exit 78
    ├── BusyError        another process has it              exit 75
    ├── FrameError       this image is unusable             the part is UNDECIDED
    ├── DeviceError      a device did not do what was asked the part is UNDECIDED, the link is reopened
    ├── JournalError     the book cannot be written or read journal.on_failure decides
    ├── ReviewError      a person's word does not fit what stands in the book; nothing was written
    └── DeliveryError    a sink did not take a record       the cursor stays
Anything else is a bug.
"""


class InspectorError(Exception):
    """Root of every error that the house raises on purpose."""


class ConfigError(InspectorError):
    """A file that a human must mend.

    The message names file, key, wrong value, and what would be right.
    """


class BusyError(InspectorError):
    """Another process of ours has it and may hold only one; trying again helps once that one has ended.

    The message names its process id.
    """


class FrameError(InspectorError):
    """This image is unusable; the camera itself still answers.

    Args:
        message: what is wrong with it.
        frame_no: its number, from a camera that counts.
    """

    def __init__(self, message: str, *, frame_no: int | None = None) -> None:
        super().__init__(message)
        self.frame_no = frame_no


class DeviceError(InspectorError):
    """A device did not do what was asked of it.

    Args:
        device: which one, in the station's words: "camera twin", "plc 127.0.0.1:1502".
        reason: what happened and what would be right.
        retry: whether reopening the device can help.
        lost: whether the device itself is in trouble; False: it is well, it only had nothing to give in time.
    """

    def __init__(self, device: str, reason: str, *, retry: bool = True, lost: bool = True) -> None:
        super().__init__(f"{device}: {reason}")
        self.device = device
        self.reason = reason
        self.retry = retry
        self.lost = lost


class JournalError(InspectorError):
    """The journal could not be written or read."""


class ReviewError(InspectorError):
    """A person's word does not fit what stands in the book: no such part, reviewed already, by the same person.

    The message is fit to be shown to that person. Nothing was written.
    """


class DeliveryError(InspectorError):
    """A sink did not take a record; the follower's cursor stays where it is.

    Args:
        reason: what the sink said.
        refused: True if this very record was refused for good (it goes to quarantine after some tries),
            False if the sink is away and any record would have failed.
    """

    def __init__(self, reason: str, *, refused: bool = False) -> None:
        super().__init__(reason)
        self.refused = refused
