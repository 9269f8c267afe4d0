"""Whole card sessions as files: what each side was given, and every octet that went between them.

docs/wire.md lays out the file. Recording and replaying run the programs' own code around the seams
that stand here: a center and a card that are fixed, and a line between them instead of gRPC.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from juki_audit.leaf import DONE, Leaf
from juki_audit.receipts import TrustedLog
from juki_card import ec
from juki_card.chat import CHAT
from juki_card.cvc import CVCertificate
from juki_card.eac import Chain
from juki_card.flow import Batch, Dialogue, Done
from juki_card.transcript import Transcript
from juki_cardbox.cardfile import CardFile
from juki_cardbox.slot import CardSlot
from juki_center.areas.cards.register import Purpose
from juki_center.areas.cards.unlock_rows import UnlockMode
from juki_center.errors import Refusal
from juki_center.rpc import card_flow, card_messages, card_session
from juki_center.rpc.card_material import Access
from juki_center.rpc.peers import Caller
from juki_client.identity import ClientIdentity
from juki_client.log_book import LogBook
from juki_client.log_shelf import MemoryShelf
from juki_client.outcome import Problem
from juki_client.receipts import Receipts
from juki_pki.identity import identity_from_certificate
from juki_terminal.can import FileCan
from juki_terminal.channel import Pins
from juki_terminal.pin import FilePin
from juki_terminal.session import AuthenticatedCard, Surroundings, authenticate
from juki_terminal.stream import EVENT
from jukinet.card.v1 import card_session_service_pb2 as pb
from tests.support.receipting import wire
from tests.support.trial_log import TrialLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from juki_card.ec import PrivateKey
    from juki_card.flow import Flow
    from juki_card.virtual.memory import CardMemory
    from juki_center.areas.residents.codes import ResidentCode

SCHEMA = "juki-session/1"
FOLDER = Path(__file__).resolve().parents[1] / "vectors"
USABLE = timedelta(seconds=300)
PLAN = timedelta(seconds=120)
Record = dict[str, Any]


def paths() -> list[Path]:
    """Return the files of all recorded sessions."""
    return sorted(FOLDER.glob("session-*.json"))


def load(path: Path) -> Record:
    """Read one record."""
    record: Record = json.loads(path.read_text(encoding="utf-8"))
    assert record["schema"] == SCHEMA
    return record


def wanted(record: Record) -> card_messages.Hello:
    """Return what a session is for; a record that does not say is about a copy."""
    given = record["center"]
    purpose = Purpose[given.get("purpose", "CERTIFICATE_COPY")]
    return card_messages.Hello(purpose, bytes.fromhex(given.get("act_id", "")))


def moment(record: Record) -> datetime:
    """Return the time of a session, at both ends."""
    return datetime.fromtimestamp(record["at"], UTC)


def key(scalar: str) -> PrivateKey:
    """Return the P-256 key with a number in hex."""
    return ec.private_key(ec.P256, int(scalar, 16))


def card_memory(record: Record, folder: Path) -> CardMemory:
    """Return what the card of a record remembers."""
    path = folder / "loaded.card"
    path.write_text(json.dumps(record["card"]["file"]), encoding="ascii")
    return CardFile(path).load()


class Script:
    """Random octets as they were drawn, in their order."""

    def __init__(self, draws: list[str]) -> None:
        self._draws = [bytes.fromhex(draw) for draw in draws]

    def octets(self, count: int) -> bytes:
        """Return the next draw, which must be of this size."""
        draw = self._draws.pop(0)
        assert len(draw) == count
        return draw


@dataclass(frozen=True, slots=True)
class Authenticated:
    """What a session has shown."""

    serial: bytes
    resident_code: ResidentCode | None
    transcript_hash: bytes


class CenterSide:
    """The center of a record, without a stream around it."""

    def __init__(self, record: Record, signing: PrivateKey | None = None) -> None:
        given, terminal = record["center"], record["terminal"]
        at_key = signing or key(given["terminal_certificate_key"])
        self._at = moment(record)
        self._wanted = wanted(record)
        self._caller = Caller.from_pem(_certificate(terminal).public_bytes(Encoding.PEM))
        self._signers = tuple(map(bytes.fromhex, given["card_signers"]))
        self._refused = given["register_refuses"]
        self._log = log_of(record)
        self.opened = card_session.Opened.new(
            _access(given, at_key),
            wanted(record),
            session_id=bytes.fromhex(given["session_id"]),
            ephemeral=key(given["ephemeral_key"]),
            certificate_sha256=self._caller.certificate_sha256,
            expires_at=self._at + PLAN,
        )
        self._number = 0
        self._batch: Batch | None = None
        self._dialogue: Dialogue[Authenticated] | None = None
        self.authenticated: Authenticated | None = None

    def answer(self, request: pb.AuthenticateRequest) -> pb.AuthenticateResponse:
        """Answer one step; raise Refusal."""
        match request.WhichOneof("step"):
            case "hello":
                assert card_messages.hello(request.hello) == self._wanted
                return self.opened.message()
            case "ready":
                self._dialogue = Dialogue(self._flow(card_messages.ready(request.ready)))
                return self._said(self._dialogue.start())
            case _:
                assert self._batch is not None
                assert self._dialogue is not None
                answers = card_messages.answers(request.answers, self._batch, self._number)
                return self._said(self._dialogue.answer(answers))

    def _flow(self, ready: card_messages.Ready) -> Any:
        session_id = self.opened.session_id
        card_session.verify_attestation(self._caller, session_id, ready, self._at)
        transcript = Transcript(session_id, self._caller.certificate_sha256)
        return self._whole(ready, transcript)

    def _whole(self, ready: card_messages.Ready, transcript: Transcript) -> Flow[Authenticated]:
        chip = yield from card_flow.authenticate(
            self.opened.plan,
            self.opened.keys,
            ready.report(),
            transcript=transcript,
            checks=card_flow.Checks(self._signers, self._at, self._require_usable),
            progress=card_flow.Progress(),
        )
        code: ResidentCode | None = None
        match self.opened.purpose:
            case Purpose.CERTIFICATE_COPY:
                code = yield from card_flow.read_code(chip, transcript)
            case Purpose.PIN_UNLOCK:
                yield from card_flow.unlock_pin(chip, UnlockMode.KEEP, transcript)
            case _:
                pass
        return Authenticated(chip.serial, code, transcript.digest())

    def _require_usable(self, serial: bytes) -> None:
        assert len(serial) == 32
        if self._refused is not None:
            raise Refusal(self._refused)

    def _said(self, state: Batch | Done[Authenticated]) -> pb.AuthenticateResponse:
        if isinstance(state, Done):
            self.authenticated = state.value
            until, digest = self._at + USABLE, state.value.transcript_hash
            result = card_messages.result_message(self.opened.session_id, until, digest)
            result.receipt.CopyFrom(wire(self._log, self._log.append(self._leaf())))
            return result
        self._batch, self._number = state, self._number + 1
        protection = (pb.Batch.PROTECTION_TERMINAL, pb.Batch.PROTECTION_END_TO_END)
        return card_messages.batch_message(state, self._number, protection[self._number - 1])

    def _leaf(self) -> Leaf:
        resource = self.opened.session_id.hex()
        return Leaf(EVENT, self._at, self._caller.identity.uri, DONE, resource=resource)


def log_of(record: Record) -> TrialLog:
    """Return the audit log of a record's center, with as many leaves of others as it says."""
    given = record["center"]["log"]
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(given["key"]))
    log = TrialLog(given["origin"], private)
    log.append_others(given["leaves"])
    return log


class Line:
    """The terminal's view of a center: what a stub's Authenticate returns, without a network."""

    def __init__(self, answer: Callable[[pb.AuthenticateRequest], pb.AuthenticateResponse]) -> None:
        self._answer = answer
        self._requests: Iterator[pb.AuthenticateRequest] = iter(())

    def Authenticate(  # noqa: N802  # the stub's name
        self, requests: Iterator[pb.AuthenticateRequest], timeout: float
    ) -> Line:
        """Open the stream."""
        assert timeout > 0
        self._requests = requests
        return self

    def __iter__(self) -> Line:
        """Return itself, as a stub's stream does."""
        return self

    def __next__(self) -> pb.AuthenticateResponse:
        """Answer the next request; a refusal reaches the terminal as the problem that it is."""
        try:
            return self._answer(next(self._requests))
        except Refusal as refusal:
            raise Problem(refusal.reason, dict(refusal.metadata)) from refusal

    def cancel(self) -> None:
        """End the stream."""


@dataclass(frozen=True)
class _Trust:
    cvca: bytes


@dataclass(frozen=True)
class _Center:
    """What a session at the terminal uses of `juki_terminal.channel.Center`."""

    sessions: Line
    identity: ClientIdentity
    pins: Pins
    trust: _Trust
    receipts: Receipts
    trace: None = None

    @contextmanager
    def for_session(self) -> Iterator[_Center]:
        """Give itself: there is one connection."""
        yield self


class _NoProver:
    """Proves nothing: a terminal that has seen no head asks for no proof."""

    def newest(self, first: int) -> tuple[bytes, Sequence[bytes]]:
        """Refuse."""
        raise AssertionError(f"asked for a proof from {first}")

    def between(self, first: int, second: int) -> Sequence[bytes]:
        """Refuse."""
        raise AssertionError(f"asked for a proof from {first} to {second}")


@dataclass
class Wire:
    """A reader whose exchanges are kept; `exchange` is the card."""

    exchange: Callable[[bytes], bytes]
    atr: bytes
    exchanges: list[tuple[bytes, bytes]] = field(default_factory=list)
    name: str = "wire"

    def connect(self, wait_seconds: float) -> bytes:
        """Return the answer to reset."""
        assert wait_seconds > 0
        return self.atr

    def transmit(self, command: bytes) -> bytes:
        """Exchange one APDU."""
        self.exchanges.append((command, b""))
        answer = self.exchange(command)
        self.exchanges[-1] = (command, answer)
        return answer

    def close(self) -> None:
        """Let the card go."""


def terminal_side(
    record: Record, line: Line, wire: Wire, identity: ClientIdentity | None = None
) -> AuthenticatedCard:
    """Run the terminal of a record; raise Problem."""
    given, center = record["terminal"], record["center"]
    own = identity or ClientIdentity(b"", b"", _certificate(given), key(given["tls_key"]))
    leaf = _certificate(center).fingerprint(hashes.SHA256())
    pins = Pins(own.certificate_hash, frozenset({leaf}))
    script = Script(given["draws"])
    around = Surroundings(now=lambda: moment(record), random=script.octets)
    trust = _Trust(bytes.fromhex(center["cvca"]))
    log = TrustedLog.decode(given["log_verifiers"])
    uri = identity_from_certificate(_certificate(given)).uri
    receipts = Receipts(LogBook(log, MemoryShelf()), uri, _NoProver())
    asked = wanted(record)
    cans = given.get("cans", [])
    return authenticate(
        _Center(line, own, pins, trust, receipts),  # type: ignore[arg-type]  # the part that a session uses
        wire,
        FileCan(list(cans)) if cans else FilePin(list(given["pins"])),
        purpose=card_messages.purpose_number(asked.purpose),  # type: ignore[arg-type]  # an enum
        act_id=asked.act_id,
        surroundings=around,
    )


def card_side(record: Record, folder: Path) -> CardSlot:
    """Return the card of a record, with power, in a slot that draws what was drawn."""
    path = folder / "recorded.card"
    path.write_text(json.dumps(record["card"]["file"]), encoding="ascii")
    slot = CardSlot(path, chance=Script(record["card"]["draws"]))
    slot.power_on()
    return slot


def _access(given: Record, at_key: PrivateKey) -> Access:
    chain = tuple(CVCertificate.decode(bytes.fromhex(one)) for one in given["chain"])
    return Access(
        key=at_key,
        chat=CHAT.from_value(bytes.fromhex(given["chat"])),
        description=bytes.fromhex(given["certificate_description"]),
        chains=(Chain(chain[0].car, chain),),
        last_day=chain[-1].expiration,
    )


def _certificate(given: Record) -> x509.Certificate:
    return x509.load_der_x509_certificate(bytes.fromhex(given["tls_certificate"]))
