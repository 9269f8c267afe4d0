"""What is noted of an act at a window, sealed under the center's own key."""

from __future__ import annotations

from juki_center.areas.cards.note_rows import CardNote, NoteKind
from juki_center.areas.cards.register import Card
from juki_center.areas.cards.window import Window
from juki_center.areas.evidence import IdentityDocument


def note_of(
    window: Window,
    card: Card,
    kind: NoteKind,
    documents: tuple[IdentityDocument, ...] = (),
    **facts: object,
) -> CardNote:
    """Return the note of an act: its clerk, what was shown, and further plain facts."""
    shown = [
        [str(one.kind), one.number_hash, one.number_salt, one.chip_verified] for one in documents
    ]
    return CardNote(
        card.serial,
        window.now,
        kind,
        # Not the card's own word: after a move it names the former residence for a time.
        window.register,
        window.terminal.uri,
        {"clerk": window.clerk_name, "documents": shown, **facts},
    )
