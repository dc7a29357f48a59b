"""Compares detections with those of the model's own software, and says which preprocessing would fit."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from inspector.app.model_import.hints import NORMALISATIONS
from inspector.domain.detection import Detection
from inspector.domain.errors import DeviceError, FrameError
from inspector.domain.frame import PixelFormat, Pixels
from inspector.domain.geometry import Box
from inspector.pipeline.detect import Detector
from inspector.ports.model import FrameSpec, InputSpec

LEAST_IOU = 0.99
MOST_SCORE = 1e-3
_SAME_THING = 0.5
TRIED_PICTURES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One detection that the model's own software made."""

    label: str
    score: float
    box: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A picture and what is to be seen in it."""

    name: str
    pixels: Pixels
    pixel_format: PixelFormat
    expected: tuple[Expected, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How far two lists of detections lie apart; ``worst`` says where most."""

    compared: int
    least_iou: float
    most_score: float
    missing: int
    extra: int
    worst: str

    @property
    def fits(self) -> bool:
        """Same boxes, same scores."""
        return not self.missing and not self.extra and self.least_iou >= LEAST_IOU and self.most_score <= MOST_SCORE

    def __str__(self) -> str:
        words = (
            f"{self.compared} detections compared, least IoU {self.least_iou:.4f}, "
            f"largest score difference {self.most_score:.2g}, {self.missing} missing, {self.extra} too many"
        )
        return f"{words}; largest difference: {self.worst}" if self.worst else words


def compare(detector: Detector, examples: Sequence[Example]) -> Difference:
    """Look at every example and compare; what lies at the floor's edge is not counted as missing."""
    floor = detector.card.candidate_score
    pairs: list[tuple[Expected, Detection, str]] = []
    missing: list[str] = []
    extra: list[str] = []
    for example in examples:
        try:
            seen = list(detector.detect(example.pixels, example.pixel_format).detections)
        except FrameError as error:
            missing += [f"{example.name}: {error}"] * max(len(example.expected), 1)
            continue
        for wanted in sorted(example.expected, key=lambda one: one.score, reverse=True):
            found = max(seen, key=lambda one: (one.label == wanted.label) * one.box.iou(wanted.box), default=None)
            if found is not None and found.label == wanted.label and found.box.iou(wanted.box) >= _SAME_THING:
                seen.remove(found)
                pairs.append((wanted, found, example.name))
            elif wanted.score > floor + MOST_SCORE:
                missing.append(f"{example.name}: {_in_words(wanted)} is not seen{_otherwise(wanted, seen)}")
        extra += [
            f"{example.name}: {_in_words(one)} is seen but not in the reference"
            for one in seen
            if one.score > floor + MOST_SCORE
        ]
    return _difference(pairs, missing, extra)


def fitting(detector: Detector, examples: Sequence[Example]) -> str:
    """The usual preprocessing with which the model gives what is expected, in words; "" if none does."""
    few = [example for example in examples if example.expected][:TRIED_PICTURES]
    for words, entry, frame in usual(detector.card.input, detector.card.frame):
        card = replace(detector.card, input=entry, frame=frame)
        tried = Detector(card=card, runtime=detector.runtime, decoder=detector.decoder)
        with suppress(DeviceError):  # some graphs break on a picture that is not as they want it
            if few and compare(tried, few).fits:
                return words
    return ""


def usual(entry: InputSpec, frame: FrameSpec) -> Iterator[tuple[str, InputSpec, FrameSpec]]:
    """Preprocessings in use, those that differ in one thing first."""
    ways = [
        (colour, normalisation, fit)
        for colour in ("rgb", "bgr")
        if entry.channels > 1 or colour == "rgb"
        for normalisation in NORMALISATIONS
        if entry.dtype == "float32" or normalisation == "raw"
        for fit in _FITS
        if frame.width or fit == ""
    ]
    changed = [_changed(entry, frame, *way) for way in ways]
    ranked = sorted((way for way in changed if way[0]), key=lambda way: len(way[0]))
    return iter([(" and ".join(words), entry, frame) for words, entry, frame in ranked])


_FITS: Mapping[str, FrameSpec | None] = {
    "": None,
    'frame.fit = "letterbox", pad = 114': FrameSpec(fit="letterbox", pad=114),
    'frame.fit = "letterbox", pad = 0': FrameSpec(fit="letterbox", pad=0),
    'frame.fit = "letterbox", pad = 114, anchor = "corner"': FrameSpec(fit="letterbox", pad=114, anchor="corner"),
    'frame.fit = "letterbox", pad = 0, anchor = "corner"': FrameSpec(fit="letterbox", pad=0, anchor="corner"),
    'frame.fit = "whole" (stretched)': FrameSpec(fit="whole"),
    'frame.fit = "whole" (stretched), interpolation = "antialias"': FrameSpec(fit="whole", interpolation="antialias"),
    'frame.fit = "whole" (stretched), interpolation = "antialias_float"': FrameSpec(
        fit="whole", interpolation="antialias_float"
    ),
    'frame.fit = "crop", interpolation = "antialias"': FrameSpec(fit="crop", interpolation="antialias"),
}


def _changed(
    entry: InputSpec, frame: FrameSpec, colour: str, normalisation: str, fit: str
) -> tuple[list[str], InputSpec, FrameSpec]:
    words = []
    if entry.channels > 1 and colour != entry.colour:
        words.append(f'input.colour = "{colour}"')
        entry = replace(entry, colour=colour)
    scale, mean, std = NORMALISATIONS[normalisation]
    mean, std = mean[: entry.channels], std[: entry.channels]
    if (scale, mean, std) != (entry.scale, entry.mean, entry.std):
        words.append(f"--normalise {normalisation}")
        entry = replace(entry, scale=scale, mean=mean, std=std)
    usual = _FITS[fit]
    if usual is not None:
        wanted = replace(usual, width=frame.width, height=frame.height)
        if wanted != frame:
            words.append(fit)
            frame = wanted
    return words, entry, frame


def _difference(
    pairs: Sequence[tuple[Expected, Detection, str]], missing: Sequence[str], extra: Sequence[str]
) -> Difference:
    ious = [wanted.box.iou(found.box) for wanted, found, _ in pairs]
    scores = [abs(wanted.score - found.score) for wanted, found, _ in pairs]
    worst = next(iter([*missing, *extra]), "")
    if not worst and pairs:
        badness = [
            max((1 - iou) / (1 - LEAST_IOU), score / MOST_SCORE) for iou, score in zip(ious, scores, strict=True)
        ]
        index = badness.index(max(badness))
        wanted, found, name = pairs[index]
        worst = f"{name}: {_in_words(wanted)} is seen as {_in_words(found)}" if badness[index] > 1 else ""
    return Difference(
        compared=len(pairs),
        least_iou=min(ious, default=1.0),
        most_score=max(scores, default=0.0),
        missing=len(missing),
        extra=len(extra),
        worst=worst,
    )


def _otherwise(wanted: Expected, seen: Sequence[Detection]) -> str:
    """Whether it is there under another name."""
    other = max(seen, key=lambda one: one.box.iou(wanted.box), default=None)
    if other is not None and other.box.iou(wanted.box) >= LEAST_IOU:
        return f" (there is {_in_words(other)}: are the labels in the model's order?)"
    return ""


def _in_words(one: Expected | Detection) -> str:
    box = one.box
    return f"{one.label} {one.score:.3f} at {box.x:.1f},{box.y:.1f} to {box.right:.1f},{box.bottom:.1f}"
