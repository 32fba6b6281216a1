"""What is asked of a film."""

from __future__ import annotations

from dataclasses import dataclass, field

from deepanon.errors import OptionError
from deepanon.films.covers import Rules
from deepanon.films.encoding import Encoding
from deepanon.pipeline import ON_NO_FACE


@dataclass(frozen=True)
class FilmOptions:
    """What a user can ask for.

    Args:
        encoding: how pictures are compressed; None = the usual way of the target's container.
        rules: when a face is drawn and when it is redacted.
        sound: whether to take the sound along as it is; a voice identifies too.
        start: in seconds; None = from the beginning.
        end: in seconds; None = to the end.
        strict: refuse a film of which something had to be redacted without knowing what is there.
        on_no_face: "raise" refuses a film in which no face is found at all; "copy" writes its pictures as they are.
        steady: whether what is drawn is carried from frame to frame, so that it does not flicker.
    """

    encoding: Encoding | None = None
    rules: Rules = field(default_factory=Rules)
    sound: bool = True
    start: float | None = None
    end: float | None = None
    strict: bool = False
    on_no_face: str = "raise"
    steady: bool = True

    def __post_init__(self) -> None:
        if self.on_no_face not in ON_NO_FACE:
            raise OptionError(f"unknown on_no_face {self.on_no_face!r}; choose one of: {', '.join(ON_NO_FACE)}")
        if self.start is not None and self.end is not None and not self.start < self.end:
            raise OptionError(f"start {self.start:g} s must lie before end {self.end:g} s")
