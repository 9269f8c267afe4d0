"""What `juki-center dev` writes and prints: configurations, the list of residents, lines to paste.

Nothing here is read back by the center.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from juki_center.areas.cards.numbers import CardNumber
    from juki_center.areas.residents.samples import Sample

PIN: Final = "1234"
CAN: Final = "123456"
FIRST_RESIDENT: Final = "yoshida-taro"
WITHOUT_CARD: Final = frozenset({"ichigaya-fumi"})
"""Residents for whom a first card can be applied for."""
AGENCY: Final = "passport-1"
BATCH_AGENCY: Final = "pension-1"
_DESK: Final = "112089-01"
_EXAMPLE_REQUEST: Final = '{"requestId":"00000000-0000-4000-8000-000000000000"}'


@dataclass(frozen=True, slots=True)
class Window:
    """A window terminal that is configured: where it is, its file, and the card in its reader."""

    place: str
    terminal: str
    file: str
    resident: str


CHIYODA: Final = Window("Chiyoda (131016)", "131016-01", "terminal.toml", FIRST_RESIDENT)
TOKOROZAWA: Final = Window(
    "Tokorozawa (112089)", "112089-01", "terminal-tokorozawa.toml", "yamazaki-ken"
)
"""A second one, because a move has two. Each has a resident's card of the other municipality."""
WINDOWS: Final = (CHIYODA, TOKOROZAWA)


@dataclass(frozen=True, slots=True)
class DevClerk:
    """An invented clerk: the name of the card's file, the municipality, the clerk's name."""

    key: str
    municipality: str
    name: str


CLERKS: Final = (
    DevClerk("131016-1", "131016", "窓口\u3000花子"),
    DevClerk("131016-2", "131016", "承認\u3000一郎"),
    DevClerk("112089-1", "112089", "窓口\u3000友子"),
    DevClerk("112089-2", "112089", "承認\u3000次郎"),
)
"""Two at each window, so that one can approve what the other proposes."""


def center_toml(node: str) -> str:
    """Return the configuration of a development center; paths are relative to the file."""
    return f"""\
# A development center with invented residents. Flags of `juki-center dev` go before this file.
environment = "dev"
rule_set = "2003-08"
node = "{node}"

[listen]
grpc = "127.0.0.1:7443"
http = "127.0.0.1:7444"
enrolment = "127.0.0.1:7445"

[pki]
dir = "pki"

[keys]
kek = "center/kek"

[store]
url = "sqlite:///center/center.sqlite"
reserve_mib = 1

[photo_id]
enabled = true
"""


def terminal_toml(address: str, window: Window) -> str:
    """Return the configuration of a window terminal, with a card in its reader."""
    return f"""\
# The window terminal 01 of {window.place} at a development center; written at each start.
environment = "dev"

[center]
address = "{address}"

[identity]
certificate = "pki/terminal/{window.terminal}/chain.pem"
key = "pki/terminal/{window.terminal}/key.pem"

[trust]
dir = "pki/trust"

[reader]
name = "virtual:cards/{window.resident}.card"

[journal]
path = "terminal/{window.terminal}.journal"

[hotlist]
path = "terminal/{window.terminal}.hotlist"

[paper]
fee_yen = 300

[session]
pin_timeout_seconds = 90
"""


def agency_toml(address: str, agency: str) -> str:
    """Return the configuration of an agency's client."""
    return f"""\
# The client of agency {agency} at a development center; written at each start.
environment = "dev"

[center]
address = "{address}"

[identity]
certificate = "pki/agency/{agency}/chain.pem"
key = "pki/agency/{agency}/key.pem"

[trust]
dir = "pki/trust"
"""


def desk_toml(address: str) -> str:
    """Return the configuration of the card desk 01 of Tokorozawa."""
    return f"""\
# The card desk 01 of Tokorozawa (112089) at a development center; written at each start.
environment = "dev"

[center]
address = "{address}"

[identity]
certificate = "pki/desk/{_DESK}/chain.pem"
key = "pki/desk/{_DESK}/key.pem"

[trust]
dir = "pki/trust"

[journal]
path = "desk/{_DESK}.journal"
"""


def residents_md(
    with_card: Sequence[tuple[Sample, str, CardNumber]], without: Sequence[Sample]
) -> str:
    """Return the list of sample residents with their cards, and of those who have none."""
    lines = [
        "# Sample residents of this development center",
        "",
        f"Invented people at real places. The PIN of every card is {PIN}, its CAN {CAN}.",
        "Blank chips for new cards lie in blanks/.",
        "",
        "| card | number | name | born | municipality | state |",
        "|---|---|---|---|---|---|",
    ]
    lines += [_resident(sample, f"cards/{card}", number) for sample, card, number in with_card]
    lines += [_resident(sample, "none yet", None) for sample in without]
    lines += [
        "",
        "Clerks, each with every right; the PIN of their cards is the same:",
        "",
        "| card | name | municipality |",
        "|---|---|---|",
        *(f"| clerks/{one.key}.card | {one.name} | {one.municipality} |" for one in CLERKS),
    ]
    return "\n".join(lines) + "\n"


def _resident(sample: Sample, card: str, number: CardNumber | None) -> str:
    record = sample.record
    state = sample.state.value.replace("_", " ").lower()
    if record.measure is not None:
        state += ", protective measure"
    elif record.hold is not None:
        state += ", under correction"
    shown = "-".join((number[:4], number[4:8], number[8:])) if number else ""
    cells = (
        card,
        shown,
        record.name,
        record.birth.paper_text,
        sample.municipality,
        state,
    )
    return f"| {' | '.join(map(str, cells))} |"


def paste_lines(folder: Path, address: str) -> list[str]:
    """Return lines that a reader can paste into a shell; no code of a resident is among them."""
    terminal = folder / "pki" / "terminal" / CHIYODA.terminal
    issue = [
        "juki-terminal", "--config", str(folder / CHIYODA.file),
        "copy", "issue", "--out", str(folder / "copy.pdf"),
    ]  # fmt: skip
    curl = [
        "buf", "curl", "--protocol", "grpc",
        "--cacert", str(folder / "pki" / "trust" / "root.pem"),
        "--cert", str(terminal / "chain.pem"), "--key", str(terminal / "key.pem"),
        "--data", _EXAMPLE_REQUEST,
        f"https://{address}/jukinet.copies.v1.CertificateCopyService/GetIssue",
    ]  # fmt: skip
    confirm = [
        "juki-agency", "--config", str(folder / "agency.toml"),
        "confirm", "--affair", "passport", "--items", "name,birth,sex,address", "--attributes",
    ]  # fmt: skip
    suspend = ["juki-desk", "--config", str(folder / "desk.toml"), "suspend"]
    move = [
        "juki-terminal", "--config", str(folder / TOKOROZAWA.file),
        "move", "out", "--out", str(folder / "moving-out.pdf"),
    ]  # fmt: skip
    return [
        f"# sign a clerk in at the window of {CHIYODA.place}, then at that of {TOKOROZAWA.place}:",
        shlex.join(_sign_in(folder, CHIYODA)),
        shlex.join(_sign_in(folder, TOKOROZAWA)),
        f"# issue a copy to the holder of {FIRST_RESIDENT} (the PIN is {PIN}):",
        shlex.join(issue),
        "# ask the center as that terminal; it has no such issue, and says so by its reason:",
        shlex.join(curl),
        "# confirm somebody for an agency, by name, birth date and municipality of RESIDENTS.md:",
        shlex.join(confirm),
        "# stop a card that is reported lost by telephone; its number stands in RESIDENTS.md:",
        shlex.join(suspend),
        "# enter a move out of Tokorozawa; the way on, with a code to type, is in docs/moves.md:",
        shlex.join(move),
    ]


def _sign_in(folder: Path, window: Window) -> list[str]:
    """Return the command that signs the first clerk of a window in, with the clerk's own card."""
    clerk = next(one for one in CLERKS if window.terminal.startswith(one.municipality))
    card = folder.absolute() / "clerks" / f"{clerk.key}.card"
    return [
        "juki-terminal", "--config", str(folder / window.file),
        "--reader", f"virtual:{card}", "sign-in",
    ]  # fmt: skip
