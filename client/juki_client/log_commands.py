"""`log status` and `log accept`: what a client knows of the audit log, and how it is trusted again.

The same for every program that keeps a log book. Nothing is asked of the center.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING

from juki_client.log_book import LogBook
from juki_client.log_proofs import trusted_log
from juki_client.log_shelf import FileShelf
from juki_client.outcome import JSON, Exit, Language, Problem
from juki_client.report import Report

if TYPE_CHECKING:
    from pathlib import Path

    from juki_client.log_memory import LogMemory


class Text(Enum):
    """A sentence in both languages; names in braces are filled in."""

    NOTHING_SEEN = (
        "監査ログはまだ確認していません。",
        "No head of the audit log was verified yet.",
    )
    SEEN = (
        "確認済みの監査ログ: {origin}  {size} 件  最後の整合性確認 {at}  確認待ち {waiting} 件",
        "Verified audit log: {origin}, {size} leaves, last proof {at}, {waiting} heads wait",
    )
    DISTRUSTED = (
        "監査ログを信頼していません。{at} に問題が見つかりました: {reason}",
        "The audit log is not trusted since {at}: {reason}",
    )
    ACCEPTED = (
        "記録を {name} に残し、次の回答から新しく確認を始めます。",
        "The book is kept as {name}; the next head that comes is trusted as it is.",
    )
    NOTHING_KEPT = ("記録はありません。", "There was no book.")

    def say(self, language: Language, **facts: object) -> str:
        """Return the sentence in a language, filled in."""
        ja, en = self.value
        return (ja if language is Language.JAPANESE else en).format(**facts)


def status(trust_folder: Path, path: Path, language: Language) -> Report:
    """Tell what is known of the log; the answer is no where it is not trusted.

    Raises Problem CONFIGURATION_INVALID and JOURNAL_DAMAGED.
    """
    book = LogBook(trusted_log(trust_folder), FileShelf(path))
    memory = book.look()
    facts: dict[str, JSON] = {
        "origin": book.log.origin,
        "tree_size": memory.size,
        "waiting": len(memory.waiting),
        "trusted": memory.fault is None,
    }
    lines = [_seen(book, memory, language)]
    if memory.proved is not None:
        facts["proof_time"] = _time(memory.proved_at)
    if memory.newest is not None:
        facts["checkpoint"] = memory.newest.checkpoint.decode()
    if memory.fault is not None:
        fault = memory.fault
        facts |= {
            "reason": fault.reason,
            "since": _time(fault.at),
            "metadata": dict(fault.facts),
            "fault_checkpoint": fault.checkpoint.decode(),
        }
        at = _time(fault.at)
        lines.append(Text.DISTRUSTED.say(language, at=at, reason=fault.reason))
        lines += [f"  {name}: {fact}" for name, fact in fault.facts]
        lines.append(Problem(fault.reason).text(language))
    return Report(facts, "\n".join(lines), Exit.DONE if memory.fault is None else Exit.REFUSED)


def accept(trust_folder: Path, path: Path, language: Language) -> Report:
    """Begin anew, whatever was found or is damaged; the book is kept beside as evidence.

    Raises Problem CONFIGURATION_INVALID, and JOURNAL_DAMAGED where it cannot be put aside.
    """
    name = LogBook(trusted_log(trust_folder), FileShelf(path)).begin_anew()
    text = Text.ACCEPTED.say(language, name=name) if name else Text.NOTHING_KEPT.say(language)
    return Report({"kept_as": name}, text)


def _seen(book: LogBook, memory: LogMemory, language: Language) -> str:
    if memory.newest is None:
        return Text.NOTHING_SEEN.say(language)
    return Text.SEEN.say(
        language,
        origin=book.log.origin,
        size=memory.size,
        at=_time(memory.proved_at),
        waiting=len(memory.waiting),
    )


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
