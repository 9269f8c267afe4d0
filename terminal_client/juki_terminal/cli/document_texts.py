"""Identity documents in the words of a window: Japanese for clerks, English for engineers."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from juki_client.outcome import Language
from jukinet.cards.v1.identity_document_pb2 import IdentityDocument as Document

if TYPE_CHECKING:
    from collections.abc import Mapping

_WORDS: Final = {
    Document.KIND_DRIVING_LICENCE: ("運転免許証", "driving licence"),
    Document.KIND_PASSPORT: ("旅券", "passport"),
    Document.KIND_RESIDENCE_CARD: ("在留カード等", "residence card"),
    Document.KIND_RESIDENT_CARD_WITH_PHOTO: ("住基カード(写真付き)", "resident card with photo"),
    Document.KIND_PUBLIC_OFFICE_LICENCE: ("官公署の写真付き証明書", "licence of a public office"),
    Document.KIND_HEALTH_INSURANCE_CARD: ("健康保険証", "health insurance card"),
    Document.KIND_PENSION_BOOK: ("年金手帳", "pension book"),
    Document.KIND_PRIVATE_BODY: ("民間の証明書", "document of a private body"),
}
KINDS: Final[Mapping[Language, Mapping[int, str]]] = {
    language: {kind: words[place] for kind, words in _WORDS.items()}
    for place, language in enumerate((Language.JAPANESE, Language.ENGLISH))
}
"""The kinds of documents by the numbers of the proto, in both languages."""


class Text(Enum):
    """A sentence in both languages."""

    ASK_KIND = (
        "本人確認書類の種類 (終わりは空のままEnter)",
        "Kind of identity document (empty to end)",
    )
    ASK_NUMBER = (
        "書類の番号 (端末の外には送りません)",
        "Number of the document (it never leaves the terminal)",
    )
    ASK_CHIP = ("ICチップで真正を確認しましたか", "Was its chip read and found genuine?")
    CHIP_VERIFIED = (" (IC確認済み)", " (chip verified)")
    NONE_SHOWN = ("なし", "none")

    def say(self, language: Language) -> str:
        """Return the sentence in a language."""
        ja, en = self.value
        return ja if language is Language.JAPANESE else en
