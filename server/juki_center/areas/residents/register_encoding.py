"""What a register file is written in, told from its first octets.

Only UTF-8 is read. Everything else is refused by its name, so that the operator knows what to
convert from; nothing is guessed into the register.
"""

from __future__ import annotations

from typing import Final

from juki_center.errors import RuleBroken

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_ISO_2022_JP: Final = (b"\x1b$B", b"\x1b$@", b"\x1b(J")
# EUC-JP comes first: hardly any text in Shift_JIS reads as EUC-JP too, but many the other way.
_CANDIDATES: Final = (("euc_jp", "EUC_JP"), ("cp932", "SHIFT_JIS"))


def check_encoding(beginning: bytes) -> None:
    """Raise RuleBroken for a file whose beginning says that it is not UTF-8.

    The rule is EMPTY_FILE, UTF_16, ISO_2022_JP, EUC_JP, SHIFT_JIS or NOT_UTF_8. A file with single
    broken lines passes here; they are refused one by one.

    >>> check_encoding("municipality,code".encode("utf-16"))
    Traceback (most recent call last):
    ...
    juki_center.errors.RuleBroken: UTF_16
    """
    if not beginning.removeprefix(BYTE_ORDER_MARK).strip():
        raise RuleBroken("EMPTY_FILE")
    if beginning[:2] in {b"\xff\xfe", b"\xfe\xff"} or _is_half_nul(beginning):
        raise RuleBroken("UTF_16")
    if any(escape in beginning for escape in _ISO_2022_JP):
        raise RuleBroken("ISO_2022_JP")
    foreign = _lines_beyond_ascii(beginning)
    broken = [line for line in foreign if not _reads_as(line, "utf-8")]
    if len(broken) * 2 > len(foreign):
        raise RuleBroken(_called(b"\n".join(broken)))


def _is_half_nul(beginning: bytes) -> bool:
    """Tell whether every other octet of the beginning is NUL, as in UTF-16 without a mark."""
    head = beginning[:64]
    return len(head) > 8 and max(head[::2].count(0), head[1::2].count(0)) * 4 >= len(head)


def _lines_beyond_ascii(beginning: bytes) -> list[bytes]:
    """Return the whole lines of the beginning that hold more than ASCII, or what there is."""
    whole, newline, _ = beginning.rpartition(b"\n")
    return [line for line in (whole if newline else beginning).split(b"\n") if not line.isascii()]


def _reads_as(octets: bytes, encoding: str) -> bool:
    try:
        octets.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _called(octets: bytes) -> str:
    return next((rule for name, rule in _CANDIDATES if _reads_as(octets, name)), "NOT_UTF_8")
