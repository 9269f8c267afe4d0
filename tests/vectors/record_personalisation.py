"""Record the personalisations in tests/vectors/personalisation-*.json anew.

    python -m tests.vectors.record_personalisation

Only needed when the wire changes. Everything comes from labels, so an unchanged wire gives the same
files. The plain form of each exchange is taken by a second reading of the protocol, not by the code
that made it.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from pathlib import Path

from juki_card import blank, ec, personalisation
from juki_card.apdu import CommandAPDU, ResponseAPDU
from juki_card.blank import Part
from juki_card.blank_key import MasterKey
from juki_card.card_access import CA_KEY_ID
from juki_card.card_security import ChipKey
from juki_card.flow import run
from juki_cardbox.blanks import make_blank
from juki_cardbox.cardfile import CardFile
from juki_cardbox.slot import CardSlot
from tests.support import personalisation_record as records
from tests.support.blank_world import card_security_of
from tests.support.eac_world import CAN, RESIDENT_CODE, TODAY, world
from tests.support.independent_blank import BlankOpening
from tests.support.personalisation_record import FOLDER, SCHEMA, Record
from tests.support.session_record import Script

TELLS = {
    "whole": "A blank becomes a card: 11 APDUs, five round trips.",
    "resumed": "A chip that lost power after its CAN: the same key is told, what is there is not "
    "written again, what has no digest is compared by the chip.",
}
TRANSPORT_PIN = "27182"


def drawn(label: str, count: int) -> bytes:
    """Return octets for a label."""
    return hashlib.shake_256(b"juki-personalisation/" + label.encode()).digest(count)


def given(name: str, folder: Path) -> Record:
    """Return what both ends of a run have."""
    master, serial = MasterKey(drawn("personalisation key", 16)), drawn("chip serial", 16)
    path, key_draw = folder / f"{name}.card", drawn("chip key", 40)
    make_blank(path, master, chip_serial=serial)
    key = ec.Scalar.from_random(ec.P256, key_draw).key()
    point = ec.encode_point(key.public_key())
    security = card_security_of(ChipKey(ec.P256.parameter_id, point, CA_KEY_ID))
    record: Record = {
        "schema": SCHEMA,
        "name": name,
        "tells": TELLS[name],
        "source": "made by tests/vectors/record_personalisation.py, test keys only; Apache-2.0",
        "center": {
            "personalisation_key": master.octets().hex(),
            "challenge": drawn(f"{name}/center", 16).hex(),
            "trust_points": [world().cvca.certificate.encode().hex()],
            "today": TODAY.isoformat(),
            "resident_code": RESIDENT_CODE,
            "card_security": security.hex(),
            "can": CAN.octets().decode("ascii"),
            "transport_pin": TRANSPORT_PIN,
        },
        "chip": {"draws": [drawn(f"{name}/chip", 16).hex()]},
    }
    if name == "whole":
        record["chip"]["draws"].append(key_draw.hex())
    else:
        begin(record, path, [drawn("before/chip", 16).hex(), key_draw.hex()])
    record["chip"]["file"] = json.loads(path.read_text(encoding="ascii"))
    return record


def begin(record: Record, path: Path, draws: list[str]) -> None:
    """Bring a chip as far as its CAN, and no further."""
    slot = CardSlot(path, chance=Script(draws))
    slot.power_on()

    def transmit(command: CommandAPDU) -> ResponseAPDU:
        return ResponseAPDU.decode(slot.transmit(command.encode()))

    found = run(personalisation.identify(), transmit)
    key = MasterKey(bytes.fromhex(record["center"]["personalisation_key"]))
    proof = drawn("before/center", 16)
    opening = personalisation.open_chip(found, key.blank_key(found.chip_serial), proof)
    inside = run(opening, transmit).channel.through(transmit)
    inside(blank.generate_key())
    for part, octets in records.content_of(record).parts().items():
        if part is not Part.TRANSPORT_PIN:
            inside(blank.put_content(part, octets))
    slot.power_off()


def play(record: Record, folder: Path) -> None:
    """Run the personalisation and add to the record what was seen."""
    slot, file = records.chip_side(record, folder)
    opener = BlankOpening(bytes.fromhex(record["center"]["personalisation_key"]))
    record["exchanges"] = []

    def transmit(command: CommandAPDU) -> ResponseAPDU:
        sent, answer = command.encode(), slot.transmit(command.encode())
        plain_command, plain_answer = opener.exchange(sent, answer)
        exchange = {
            "command": sent.hex(),
            "answer": answer.hex(),
            "plain_command": plain_command.hex(),
            "plain_answer": plain_answer.hex(),
        }
        record["exchanges"].append(exchange)
        return ResponseAPDU.decode(answer)

    key = records.center_side(record, transmit)
    slot.power_off()
    record["chip"]["key"] = opener.key.hex()
    made = json.loads(file.path.read_text(encoding="ascii"))
    record["outcome"] = {"card_serial": key.serial.hex(), "file": made}
    CardFile(file.path).load()


def main() -> int:
    """Record all runs."""
    with tempfile.TemporaryDirectory() as place:
        for name in TELLS:
            record = given(name, Path(place))
            play(record, Path(place))
            text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
            (FOLDER / f"personalisation-{name}.json").write_text(text, encoding="utf-8")
            sys.stdout.write(f"{name}: {len(record['exchanges'])} exchanges\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
