"""Record the sessions in tests/vectors/session-*.json anew, with fresh test certificates.

    python -m tests.vectors.record_sessions [NAME ...]

Only needed when the wire changes, and with names for sessions that are new. Secrets come from
labels, so that they stay the same; keys and signatures of certificates do not. The plain form of
each exchange is taken by a second reading of the protocol, not by the code that made it.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding
from google.protobuf.json_format import MessageToDict

from juki_card import ec, pace
from juki_card.ec import P256, Scalar
from juki_card.passwords import Can, Pin
from juki_cardbox.personalise import CardSigner, Personalisation, make_card
from juki_cardbox.slot import answer_to_reset
from juki_center.areas.cards.register import Purpose
from juki_center.rpc.card_material import load_material
from juki_client.outcome import Problem
from juki_pki import make
from juki_pki.profile import Profiles
from tests.support import session_record as records
from tests.support.independent_session import Opening
from tests.support.receipting import log_key
from tests.support.session_record import FOLDER, SCHEMA, CenterSide, Line, Record, Script, Wire

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from juki_pki.folder import PKIFolder
    from jukinet.card.v1 import card_session_service_pb2 as pb

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
RIGHT, WRONG = "4649", "1234"
CAN, WRONG_CAN = "310452", "310425"
SPARE = 8


@dataclass(frozen=True)
class Scene:
    """One session to record: its name, what it shows, and where it departs from the plain one."""

    name: str
    tells: str
    pins: tuple[str, ...] = (RIGHT,)
    cans: tuple[str, ...] = ()
    leading_zeros: bool = False
    is_clone: bool = False
    register_refuses: str | None = None
    purpose: Purpose = Purpose.CERTIFICATE_COPY


_OTHER_LEAVES = 3
"""So many leaves of others stand in the log before that of a session."""
SCENES = (
    Scene("pin", "A whole session: 18 APDUs, three round trips."),
    Scene(
        "leading-zeros",
        "A whole session in which Comp(ephemeral key), ID_PICC and both shared secrets begin with "
        "a zero octet.",
        leading_zeros=True,
    ),
    Scene(
        "pin-wrong",
        "The PIN is wrong once (63C2), then right; the card is asked for the tries in between.",
        pins=(WRONG, RIGHT),
    ),
    Scene(
        "clone",
        "A copy of a card with another chip key: Chip Authentication fails, EF.DG1 is not read.",
        is_clone=True,
    ),
    Scene(
        "suspended",
        "The card is genuine and suspended: refused before EF.DG1 is read.",
        register_refuses="CARD_SUSPENDED",
    ),
    Scene(
        "unlock",
        "A window session with the number from the card's face: a wrong one (6300), then the right "
        "one; the counter of a blocked PIN is reset by the one command of the second batch.",
        pins=(),
        cans=(WRONG_CAN, CAN),
        purpose=Purpose.PIN_UNLOCK,
    ),
)


def secret(label: str) -> int:
    """Return a scalar that belongs to a label."""
    octets = hashlib.sha512(label.encode()).digest()
    return int.from_bytes(octets, "big") % (P256.order - 1) + 1


def draw(scalar: int) -> bytes:
    """Return the random octets of which `Scalar.from_random` makes this scalar."""
    return (scalar - 1).to_bytes(P256.size + SPARE, "big")


@dataclass
class Secrets:
    """The secrets of one session, by label; some are tried until a result begins with zero."""

    scene: Scene

    def plain(self, label: str) -> int:
        """Return the scalar of a label."""
        return secret(f"{self.scene.name}/{label}")

    def center_ephemeral(self) -> int:
        """Return e, with Comp(e * G) beginning with zero if wanted."""
        return self._first(
            "ephemeral", lambda number: ec.compress(ec.private_key(P256, number).public_key())
        )

    def chip_key(self, ephemeral: int) -> int:
        """Return the card's key, with a shared secret that begins with zero if wanted."""
        peer = ec.private_key(P256, ephemeral).public_key()
        return self._first("chip", lambda n: ec.ecdh(ec.private_key(P256, n), peer))

    def pace(self) -> tuple[list[bytes], list[bytes]]:
        """Return the draws of one run of PACE: the terminal's, and the card's."""
        nonce = hashlib.sha256(f"{self.scene.name}/nonce".encode()).digest()[:16]
        reader_map, card_map = self.plain("reader mapping"), self.plain("card mapping")
        peer = ec.private_key(P256, card_map).public_key()
        mapped = ec.map_generator(nonce, Scalar(P256, reader_map), peer)
        card = self._first(
            "card agreement", lambda n: ec.compress(mapped.public_key(Scalar(P256, n)))
        )
        card_key = mapped.public_key(Scalar(P256, card))
        reader = self._first(
            "reader agreement", lambda n: ec.ecdh(ec.private_key(P256, n), card_key)
        )
        return [draw(reader_map) + draw(reader)], [nonce, draw(card_map), draw(card)]

    def _first(self, label: str, result: object) -> int:
        assert callable(result)
        count = 0
        while True:
            number = self.plain(f"{label} {count}")
            if not self.scene.leading_zeros or result(number)[0] == 0:
                return number
            count += 1


def given(scene: Scene, pki: PKIFolder, folder: Path) -> Record:
    """Return a record with everything but the session itself."""
    secrets = Secrets(scene)
    ephemeral = secrets.center_ephemeral()
    chip = secrets.chip_key(ephemeral)
    reader_draws, card_draws = secrets.pace()
    runs = len(scene.pins) + len(scene.cans)
    challenge = hashlib.sha256(f"{scene.name}/challenge".encode()).digest()
    return {
        "schema": SCHEMA,
        "name": scene.name,
        "tells": scene.tells,
        "source": "made by tests/vectors/record_sessions.py, test keys only; Apache-2.0",
        "at": int(AT.timestamp()),
        "center": _center(scene, pki, ephemeral),
        "terminal": _terminal(scene, pki, reader_draws * runs),
        "card": {
            "file": _card(scene, pki, chip, folder),
            "draws": [one.hex() for one in [*(card_draws * runs), challenge[:8], challenge[8:16]]],
        },
    }


def _center(scene: Scene, pki: PKIFolder, ephemeral: int) -> Record:
    material = load_material(pki, AT.date())
    access = material.access[scene.purpose]
    is_copy = scene.purpose is Purpose.CERTIFICATE_COPY
    act_id = hashlib.sha256(f"{scene.name}/act".encode()).hexdigest()[:32]
    return {
        **({} if is_copy else {"purpose": scene.purpose.value, "act_id": act_id}),
        "tls_certificate": pki.center("center-1").certificate.public_bytes(Encoding.DER).hex(),
        "session_id": hashlib.sha256(f"{scene.name}/session".encode()).hexdigest()[:32],
        "ephemeral_key": f"{ephemeral:064x}",
        "terminal_certificate_key": f"{Scalar.of_key(access.key).number:064x}",
        "chat": access.chat.value().hex(),
        "certificate_description": access.description.hex(),
        "chain": [one.encode().hex() for one in access.chains[0].certificates],
        "cvca": pki.trust().cvca.encode().hex(),
        "card_signers": [one.hex() for one in material.card_signers],
        "register_refuses": scene.register_refuses,
        "log": {
            "origin": pki.log_signer().origin,
            "key": log_key(pki).private_bytes_raw().hex(),
            "leaves": _OTHER_LEAVES,
        },
    }


def _terminal(scene: Scene, pki: PKIFolder, draws: list[bytes]) -> Record:
    credential = pki.terminal("131016", "01")
    return {
        "tls_certificate": credential.certificate.public_bytes(Encoding.DER).hex(),
        "tls_key": f"{Scalar.of_key(credential.key).number:064x}",
        "atr": answer_to_reset().hex(),
        "pins": list(scene.pins),
        **({"cans": list(scene.cans)} if scene.cans else {}),
        "log_verifiers": f"{pki.log_signer().verifier.encode()}\n",
        "draws": [one.hex() for one in draws],
    }


def _card(scene: Scene, pki: PKIFolder, chip: int, folder: Path) -> Record:
    signer = pki.card_signer()
    wanted = Personalisation(
        pin=Pin(RIGHT),
        can=Can(CAN),
        trust_point=pki.trust().cvca,
        signer=CardSigner(signer.certificate.public_bytes(Encoding.DER), signer.key),
        today=AT.date(),
        resident_code="24727059608",
    )
    path = folder / f"{scene.name}.card"
    make_card(path, wanted, chance=Script([draw(chip).hex()]))
    card: Record = json.loads(path.read_text(encoding="ascii"))
    if scene.is_clone:
        card["chip_key"] = f"{secret('clone/other chip'):064x}"
    if scene.purpose is Purpose.PIN_UNLOCK:
        card["pin"]["tries_left"] = 0
    return card


def play(record: Record, folder: Path) -> None:
    """Run the session and add to the record what was seen."""
    center = CenterSide(record)
    messages: list[Record] = []

    def answer(request: pb.AuthenticateRequest) -> pb.AuthenticateResponse:
        messages.append(_message("terminal", request))
        response = center.answer(request)
        messages.append(_message("center", response))
        return response

    slot = records.card_side(record, folder)
    wire = Wire(slot.transmit, bytes.fromhex(record["terminal"]["atr"]))
    try:
        done = records.terminal_side(record, Line(answer), wire)
        assert center.authenticated is not None
        outcome: Record = {
            "transcript_hash": done.transcript_hash.hex(),
            "card_serial": center.authenticated.serial.hex(),
        }
        if center.authenticated.resident_code is not None:
            outcome["resident_code"] = center.authenticated.resident_code.digits
    except Problem as problem:
        outcome = {"refused": str(problem.reason)}
    finally:
        slot.power_off()
    record["messages"] = messages
    record["exchanges"] = _opened(record, wire.exchanges)
    record["outcome"] = outcome


def _message(sender: str, message: Message) -> Record:
    step = message.WhichOneof("step")
    octets = message.SerializeToString(deterministic=True).hex()
    fields = MessageToDict(message, preserving_proto_field_name=True)
    beside = {"receipt": fields["receipt"]} if "receipt" in fields else {}
    return {"from": sender, "step": step, "octets": octets, "fields": fields[step], **beside}


def opening(record: Record) -> Opening:
    """Return what opens the exchanges of a record."""
    size = pace.random_size(P256) // 2
    pairs = [
        tuple(Scalar.from_random(P256, octets).number for octets in (drawn[:size], drawn[size:]))
        for drawn in map(bytes.fromhex, record["terminal"]["draws"])
    ]
    return Opening(
        pins=[*record["terminal"]["pins"], *record["terminal"].get("cans", [])],
        pairs=pairs,  # type: ignore[arg-type]  # pairs they are
        ephemeral=int(record["center"]["ephemeral_key"], 16),
        chip=int(record["card"]["file"]["chip_key"], 16),
    )


def _opened(record: Record, exchanges: list[tuple[bytes, bytes]]) -> list[Record]:
    opener = opening(record)
    opened = []
    for command, answered in exchanges:
        plain_command, plain_answer = opener.exchange(command, answered)
        opened.append(
            {
                "command": command.hex(),
                "answer": answered.hex(),
                "plain_command": plain_command.hex(),
                "plain_answer": plain_answer.hex(),
            }
        )
    return opened


def main(names: list[str]) -> int:
    """Record the scenes of these names; without names, all."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pki = make.init(folder / "pki", Profiles.load(), AT)
        for scene in SCENES:
            if names and scene.name not in names:
                continue
            record = given(scene, pki, folder)
            play(record, folder)
            text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
            (FOLDER / f"session-{scene.name}.json").write_text(text, encoding="utf-8")
            sys.stdout.write(
                f"{scene.name}: {len(record['messages'])} messages, "
                f"{len(record['exchanges'])} exchanges, {record['outcome']}\n"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
