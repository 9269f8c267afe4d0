"""What is fuzzed of the card protocol: each parser of bytes from outside, with seeds that parse.

A target returns for octets that are refused by an error of the package, and raises for anything
else: another error, or octets that parse and do not encode back where the form is canonical.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from juki_card import (
    blank,
    card_security,
    chip_authentication,
    cvc,
    eac,
    ec,
    files,
    oid,
    pace,
    resident_code,
    security_infos,
    tlv,
)
from juki_card import terminal_authentication as ta
from juki_card.apdu import CommandAPDU, ResponseAPDU
from juki_card.auxiliary import AuxiliaryData
from juki_card.blank import ChipState, Part, TrustContent
from juki_card.blank_key import MasterKey
from juki_card.card_access import CardAccess
from juki_card.chat import CHAT
from juki_card.cvc import CVCertificate
from juki_card.description import CertificateDescription
from juki_card.errors import CardError
from juki_card.flow import run
from juki_card.secure_messaging import CardChannel, ReaderChannel, SessionKeys, pad
from tests.support.blank_world import (
    CHIP_SERIAL,
    MASTER,
    ChipInHand,
    content,
    opened,
    other_key,
)
from tests.support.eac_world import (
    AUXILIARY,
    NOW,
    PIN,
    RESIDENT_CODE,
    TODAY,
    CardInHand,
    ephemerals,
    open_session,
    world,
)

if TYPE_CHECKING:
    from collections.abc import Callable

KEYS: Final = SessionKeys(bytes(range(16)), bytes(range(16, 32)))
READ: Final = CommandAPDU(0x00, 0xB0, 0x9C, 0x00, ne=256)
DESCRIPTION: Final = CertificateDescription(
    "Issuer",
    "Center",
    b"Terms",
    (bytes(32), b"\x01" * 32),
    "http://issuer",
    "http://center",
)


@dataclass(frozen=True)
class Target:
    """One parser: what is done with the octets, and octets that it accepts or nearly does."""

    name: str
    parse: Callable[[bytes], None]
    seeds: tuple[bytes, ...]
    accepts_seeds: bool = True

    def __call__(self, octets: bytes) -> None:
        """Parse; let nothing through but success and the package's own errors."""
        try:
            self.parse(octets)
        except CardError:
            return


def _same(encoded: bytes, octets: bytes) -> None:
    if encoded != octets:
        raise AssertionError("octets parse and encode to others")


def _tlv(octets: bytes) -> None:
    _same(tlv.encode_all(tlv.parse_all(octets)), octets)


def _oid(octets: bytes) -> None:
    _same(oid.encode(oid.decode(octets)), octets)


def _command(octets: bytes) -> None:
    command = CommandAPDU.decode(octets)
    if CommandAPDU.decode(command.encode()) != command:
        raise AssertionError("a command changes when it is encoded")


def _answer(octets: bytes) -> None:
    _same(ResponseAPDU.decode(octets).encode(), octets)


def _certificate(octets: bytes) -> None:
    certificate = CVCertificate.decode(octets)
    _same(certificate.encode(), octets)
    _same(certificate.body.encode(), certificate.signed)
    _ = certificate.description_digest
    cvc.verify_certificate(certificate, cvc.trust_point(world().cvca.certificate), TODAY)


def _trust_point(octets: bytes) -> None:
    cvc.verify_self_signed(CVCertificate.decode(octets))


def _chat(octets: bytes) -> None:
    _same(CHAT.decode(octets).encode(), octets)


def _description(octets: bytes) -> None:
    description = CertificateDescription.decode(octets)
    _same(description.encode(), octets)
    _ = description.terms_text


def _card_access(octets: bytes) -> None:
    access = CardAccess.decode(octets)
    _same(access.encode(), octets)
    _ = (access.pace, access.domain, access.chip_authentication_domain)


def _security_infos(octets: bytes) -> None:
    _same(security_infos.encode(security_infos.decode(octets)), octets)


def _card_security(octets: bytes) -> None:
    security = card_security.parse(octets)
    for key in security.chip_keys():
        key.public_key()
    security.covers(CardAccess.offering(ec.P256).encode())
    security.verify([security.signer_certificate], NOW)


def _auxiliary(octets: bytes) -> None:
    _same(AuxiliaryData.decode(octets).encode(), octets)


def _resident_code(octets: bytes) -> None:
    _same(resident_code.encode_dg1(resident_code.decode_dg1(octets)), octets)


def _protected_answer(octets: bytes) -> None:
    reader = ReaderChannel(KEYS)
    reader.wrap(READ)
    reader.unwrap(ResponseAPDU.decode(octets))


def _protected_command(octets: bytes) -> None:
    CardChannel(KEYS).unwrap(CommandAPDU.decode(octets))


def _answer_of_a_hostile_card(octets: bytes) -> None:
    """Unwrap objects under a MAC that is right, as a card that has the keys can make them."""
    reader = ReaderChannel(KEYS)
    reader.wrap(READ)
    mac = KEYS.token((2).to_bytes(16, "big") + pad(octets))
    reader.unwrap(ResponseAPDU(octets + tlv.encode(0x8E, mac), 0x9000))


def _command_of_a_hostile_reader(octets: bytes) -> None:
    header = bytes.fromhex("0cb00000")
    message = (1).to_bytes(16, "big") + pad(header) + (pad(octets) if octets else b"")
    data = octets + tlv.encode(0x8E, KEYS.token(message))
    CardChannel(KEYS).unwrap(CommandAPDU(0x0C, 0xB0, 0, 0, data, 256))


def _pace_selection(octets: bytes) -> None:
    pace.decode_mse_set_at(octets)


def _announcement(octets: bytes) -> None:
    ta.decode_mse_set_at(octets)


def _issuer(octets: bytes) -> None:
    _same(ta.mse_set_dst(ta.decode_mse_set_dst(octets)).data, octets)


def _chip_key_named(octets: bytes) -> None:
    chip_authentication.decode_mse_set_at(octets)


def _chip_answer(octets: bytes) -> None:
    _same(chip_authentication.encode_answer(*chip_authentication.decode_answer(octets)), octets)


def _played(octets: bytes) -> Callable[[CommandAPDU], ResponseAPDU]:
    """Return a card that answers with the octets, cut by a length octet before each answer."""
    rest = octets

    def transmit(_command: CommandAPDU) -> ResponseAPDU:
        nonlocal rest
        length = rest[0] if rest else 0
        piece, rest = rest[1 : 1 + length], rest[1 + length :]
        return ResponseAPDU.decode(piece)

    return transmit


def _recorded(*answers: bytes) -> bytes:
    return b"".join(bytes((len(answer),)) + answer for answer in answers)


def _pace_flow(octets: bytes) -> None:
    access = CardAccess.offering(ec.P256)
    run(pace.establish(PIN, access, ephemerals()), _played(octets))


def _prepare_flow(octets: bytes) -> None:
    run(eac.prepare(None), _played(octets))


def _read_flow(octets: bytes) -> None:
    run(files.read_file(files.CARD_SECURITY), _played(octets))


def _center_flow(octets: bytes) -> None:
    """Give the octets as EF.CardSecurity to a center whose terminal is honest otherwise."""
    plan, keys = world().plan()
    answers = iter((b"", octets, b"", octets[-20:]))
    run(
        eac.authenticate_chip(plan, keys, _ready()),
        lambda _command: ResponseAPDU(next(answers), 0x9000),
    )


def _chip_state(octets: bytes) -> None:
    _same(ChipState.decode(octets).encode(), octets)


def _trust_content(octets: bytes) -> None:
    _same(TrustContent.decode(octets).encode(), octets)


def _master_key(octets: bytes) -> None:
    MasterKey.decode(octets).blank_key(CHIP_SERIAL)


def _public_key_of_a_blank(octets: bytes) -> None:
    _same(blank.encode_public_key(blank.decode_public_key(octets, ec.P256)), octets)


def _blank_flow(octets: bytes) -> None:
    """Let a reader's chip answer the center's first two flows."""
    opened(_played(octets))


def _content_for_a_blank(octets: bytes) -> None:
    """Give octets as the content of the part that the first of them numbers."""
    chip = ChipInHand()
    inside = opened(chip.transmit).channel.through(chip.transmit)
    inside(blank.generate_key())
    number = octets[0] if octets else 0
    answer = inside(CommandAPDU(blank.CLA, 0xE8, number, 0, octets[1:]))
    if answer.sw == 0x9000 and chip.blank.done.bit_count() != 2:
        raise AssertionError("a content was taken and not held")


@lru_cache(maxsize=1)
def _ready() -> eac.Ready:
    plan, _ = world().plan()
    return open_session(CardInHand(world().memory()).transmit, plan).ready


@lru_cache(maxsize=1)
def targets() -> dict[str, Target]:
    """Return all targets by name."""
    local = world()
    plan, _ = local.plan()
    card = CardInHand(local.memory())
    access = CardAccess.offering(ec.P256).encode()
    security = next(
        f.content for f in card.memory.files if f.short_identifier == files.CARD_SECURITY
    )
    reader, other = ReaderChannel(KEYS), CardChannel(KEYS)
    command = reader.wrap(replace(READ, data=b"data"))
    other.unwrap(command)
    answer = other.wrap(ResponseAPDU(b"data", 0x9000))
    point = ec.encode_point(ec.private_key(ec.P256, 3).public_key())
    announced = ta.mse_set_at(plan.announcement(plan.chains[0])).data
    certificates = tuple(c.encode() for c in (*plan.chains[0].certificates,))
    chip_answer = chip_authentication.encode_answer(bytes(8), bytes(8))
    played = _recorded(
        pace_answer(pace.ENCRYPTED_NONCE, bytes(16)),
        pace_answer(pace.MAP_CARD, point),
        pace_answer(pace.KEY_CARD, point),
        pace_answer(pace.TOKEN_CARD, bytes(8)),
    )
    selection = pace.mse_set_at(PIN.reference, chat=plan.chat, parameter_id=12).data
    dg1 = resident_code.encode_dg1(RESIDENT_CODE)
    found = (
        Target("tlv", _tlv, (access, *certificates)),
        Target("oid", _oid, (oid.encode(oid.JUKI_AUXILIARY), oid.encode("2.999.3"))),
        Target("command", _command, (READ.encode(), command.encode())),
        Target("answer", _answer, (answer.encode(),)),
        Target("certificate", _certificate, certificates[:1]),
        Target("trust_point", _trust_point, (local.cvca.certificate.encode(),)),
        Target("chat", _chat, (plan.chat.encode(),)),
        Target("description", _description, (DESCRIPTION.encode(),)),
        Target("card_access", _card_access, (access,)),
        Target("security_infos", _security_infos, (access,)),
        Target("card_security", _card_security, (security,)),
        Target("auxiliary", _auxiliary, (AUXILIARY,)),
        Target("resident_code", _resident_code, (dg1,)),
        Target("protected_answer", _protected_answer, (answer.encode(),)),
        Target("protected_command", _protected_command, (command.encode(),)),
        Target("hostile_card", _answer_of_a_hostile_card, (answer.data[:-10],)),
        Target("hostile_reader", _command_of_a_hostile_reader, (command.data[:-10],)),
        Target("pace_selection", _pace_selection, (selection,)),
        Target("announcement", _announcement, (announced,)),
        Target("issuer", _issuer, (ta.mse_set_dst("JPTESTCVCA00001").data,)),
        Target("chip_key_named", _chip_key_named, (chip_authentication.mse_set_at(1).data,)),
        Target("chip_answer", _chip_answer, (chip_answer,)),
        Target("pace_flow", _pace_flow, (played,), accepts_seeds=False),
        Target("prepare_flow", _prepare_flow, (_recorded(access + b"\x90\x00", b"\x63\xc2"),)),
        Target("read_flow", _read_flow, (_recorded(access + b"\x90\x00"),)),
        Target("center_flow", _center_flow, (security,), accepts_seeds=False),
        *_blank_targets(),
    )
    return {target.name: target for target in found}


def _blank_targets() -> tuple[Target, ...]:
    parts = content(other_key()).parts()
    state = ChipState(CHIP_SERIAL, Part.CHIP_KEY, other_key().point, bytes(32), bytes(32)).encode()
    contents = tuple(
        bytes((number,)) + parts[part]
        for part, number in blank.NUMBERS.items()
        if part is not Part.CARD_SECURITY
    )
    played = _recorded(state + b"\x90\x00", bytes(16) + b"\x90\x00", bytes(16) + b"\x90\x00")
    point = blank.encode_public_key(other_key().point)
    return (
        Target("chip_state", _chip_state, (state,)),
        Target("trust_content", _trust_content, (parts[Part.TRUST],)),
        Target("master_key", _master_key, (MASTER.encode(),)),
        Target("blank_public_key", _public_key_of_a_blank, (point,)),
        Target("blank_content", _content_for_a_blank, contents),
        Target("blank_flow", _blank_flow, (played,), accepts_seeds=False),
    )


def pace_answer(tag: int, value: bytes) -> bytes:
    """Return an answer of PACE with its status word."""
    return tlv.encode(pace.DYNAMIC_DATA, tlv.encode(tag, value)) + b"\x90\x00"
