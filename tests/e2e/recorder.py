"""A terminal that keeps every byte that it sends, receives and prints.

`python -m tests.e2e.recorder CONFIG READER OUT` issues a copy with the PIN from standard input and
writes all those bytes to OUT; it prints how many messages and APDUs they were. It is a process of
its own, as libpcsclite knows one pcscd only.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from google.protobuf.message import Message

from juki_client.identity import ClientIdentity
from juki_terminal.application import CardProof, CopyApplication
from juki_terminal.channel import Center
from juki_terminal.config import TerminalConfig
from juki_terminal.copies import CopyDesk, CopyStatus, issue_copy
from juki_terminal.journal import Journal
from juki_terminal.paper_press import PaperPress
from juki_terminal.pin import FilePin
from juki_terminal.reader import open_reader
from juki_terminal.session import authenticate
from juki_terminal.trace import Trace, TracedReader
from juki_terminal.trust import Trust


class Tap(Trace):
    """A trace that keeps the octets themselves, and only in memory."""

    def __init__(self) -> None:
        self.kept: list[bytes] = []
        self.commands = 0
        self.messages = 0

    def apdu(self, direction: str, octets: bytes) -> None:
        """Keep a command or an answer, and count the commands."""
        self.kept.append(octets)
        self.commands += direction == ">"

    def message(self, direction: str, message: Message) -> None:  # noqa: ARG002  # both are kept
        """Keep a message, as it travels and as text, and count it."""
        self.messages += 1
        self.kept += [message.SerializeToString(), str(message).encode()]

    def event(self, text: str) -> None:
        """Keep what happened."""
        self.kept.append(text.encode())


class _Tray:
    """Keeps the paper."""

    def __init__(self) -> None:
        self.papers: list[bytes] = []

    def print(self, pdf: bytes, issue_number: str) -> None:  # noqa: ARG002  # the printer's call
        self.papers.append(pdf)


class Recorder:
    """One terminal, one reader, everything kept."""

    def __init__(self, config: Path, reader: str) -> None:
        self._config = TerminalConfig.load(config)
        self._journal = config.parent / "terminal" / "recorder.journal"
        self._reader = reader
        self._tap = Tap()
        self._tray = _Tray()

    def issue(self, pin: str) -> CopyStatus:
        """Authenticate a card and issue its holder's copy."""
        config = self._config
        identity = ClientIdentity.load(config.certificate, config.key)
        trust = Trust.load(config.trust_dir)
        with (
            Journal(self._journal) as journal,
            Center(config.center_address, identity, trust, self._tap) as center,
        ):
            reader = TracedReader(open_reader(self._reader), self._tap)
            card = authenticate(center, reader, FilePin([pin]))
            press = PaperPress.load(config.trust_dir)
            desk = CopyDesk(center, journal, press, self._tray)
            proof = CardProof(card.session_id, card.transcript_hash)
            return issue_copy(desk, CopyApplication(proof, fee_yen=300))

    def counted(self) -> dict[str, int]:
        """Return how many messages and command APDUs there were."""
        return {"messages": self._tap.messages, "apdus": self._tap.commands}

    def octets(self) -> bytes:
        """Return all that was handled, one after the other: messages, APDUs, paper, journal."""
        parts = [*self._tap.kept, *self._tray.papers, self._journal.read_bytes()]
        return b"\x00".join(parts)


def main() -> None:
    """Issue one copy and write down what was handled."""
    config, reader, out = sys.argv[1:]
    recorder = Recorder(Path(config), reader)
    recorder.issue(sys.stdin.readline().strip())
    Path(out).write_bytes(recorder.octets())
    sys.stdout.write(json.dumps(recorder.counted()) + "\n")


if __name__ == "__main__":
    main()
