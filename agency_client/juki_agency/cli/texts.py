"""What the commands say to people: Japanese for clerks, English for engineers.

Texts of errors are not here: they come from the descriptor (see `juki_client.outcome`).
"""

from __future__ import annotations

from enum import Enum

from juki_client.outcome import Language


class Text(Enum):
    """A sentence in both languages; names in braces are filled in."""

    ALL_WELL = ("異常はありません。", "All checks passed.")

    def say(self, language: Language, **facts: object) -> str:
        """Return the sentence in a language, filled in."""
        ja, en = self.value
        return (ja if language is Language.JAPANESE else en).format(**facts)
