"""The command `juki-card`: make a virtual card, put it into a reader, pull it, look at it.

Everything that decides is elsewhere; this module reads the command line, the clock and the prompts.
Exit codes: 0 done, 2 usage, 3 refused, 4 reader or card, 130 interrupted.
"""

from __future__ import annotations

import signal
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from juki_cardbox import holding, vpcd
from juki_cardbox.blanks import make_blank
from juki_cardbox.cardfile import CardFile
from juki_cardbox.errors import ReaderUnavailable
from juki_cardbox.facts import facts
from juki_cardbox.holder_data import HolderData, ask_holder_data, parse_holder_data
from juki_cardbox.personalise import Personalisation, make_card, serial_of
from juki_cardbox.pki_files import load_master_key, load_material
from juki_cardbox.profiles import JUKI, PROFILES
from juki_cardbox.report import JSON, report, reporting
from juki_cardbox.slot import CardSlot
from juki_cardbox.trace import TraceWriter, read_trace

if TYPE_CHECKING:
    from juki_cardbox.profiles import Profile

INTERRUPTED: Final = 130
_LOOK_SECONDS: Final = 0.2
"""How often the wait for the end of an insertion ends, so that signals are seen."""

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Make virtual cards and put them into readers.",
)

Card = Annotated[Path, typer.Argument(help="The card file.")]
AsJSON = Annotated[bool, typer.Option("--json", help="Print one JSON object (juki/1).")]


def main() -> None:
    """Run the command."""
    app()


@app.command()
def new(
    out: Annotated[Path, typer.Argument(help="The card file to make.")],
    pki: Annotated[Path, typer.Option(help="The PKI folder, from `juki-pki init`.")],
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="JSON file, or - for standard input, with pin (or transport_pin), can and "
            "resident_code; without it they are asked for.",
        ),
    ] = None,
    profile: Annotated[str, typer.Option(help="juki, or npa for stock eID software.")] = "juki",
    blank: Annotated[
        bool, typer.Option("--blank", help="Make a blank chip, to be personalised at a terminal.")
    ] = False,
    chip_serial: Annotated[
        str | None, typer.Option(help="Of a blank: 32 hex digits; without it one is drawn.")
    ] = None,
    as_json: AsJSON = False,
) -> None:
    """Make a card, or a blank chip. Never over another; the file has mode 0600 and holds keys."""
    if profile not in PROFILES:
        raise typer.BadParameter(f"one of {', '.join(PROFILES)}", param_hint="--profile")
    if blank and (source is not None or profile != JUKI.name):
        raise typer.BadParameter("a blank has no personal data, and one profile", param_hint="new")
    if chip_serial is not None and not blank:
        raise typer.BadParameter("of a blank only", param_hint="--chip-serial")
    with reporting("card new", as_json=as_json):
        if blank:
            _new_blank(out, pki, chip_serial, as_json=as_json)
        else:
            _new_card(out, pki, source, PROFILES[profile], as_json=as_json)


def _new_card(out: Path, pki: Path, source: str | None, profile: Profile, *, as_json: bool) -> None:
    material = load_material(pki)
    holder = _holder_data(source)
    memory = make_card(
        out,
        Personalisation(
            pin=holder.pin,
            can=holder.can,
            trust_point=material.trust_point,
            signer=material.signer,
            today=datetime.now(UTC).date(),
            resident_code=holder.resident_code,
            profile=profile,
        ),
    )
    serial = serial_of(memory).hex()
    result: dict[str, JSON] = {"card": str(out), "profile": profile.name, "serial": serial}
    report("card new", result, [f"made {out}", f"  serial {serial}"], as_json=as_json)


def _new_blank(out: Path, pki: Path, chip_serial: str | None, *, as_json: bool) -> None:
    serial = None if chip_serial is None else _parse_chip_serial(chip_serial)
    memory = make_blank(out, load_master_key(pki), chip_serial=serial)
    told = memory.chip_serial.hex()
    result: dict[str, JSON] = {"card": str(out), "chip_serial": told}
    report("card new", result, [f"made {out}, a blank", f"  chip serial {told}"], as_json=as_json)


@app.command()
def insert(
    card: Card,
    reader: Annotated[str, typer.Option(help="HOST:PORT of a vpcd.")] = (
        f"127.0.0.1:{vpcd.DEFAULT_PORT}"
    ),
    stay: Annotated[bool, typer.Option(help="Come back when the reader restarts.")] = False,
    trace: Annotated[Path | None, typer.Option(help="Write the APDUs here.")] = None,
    as_json: AsJSON = False,
) -> None:
    """Put a card into a vpcd reader, and hold it there until `juki-card pull` or Ctrl-C."""
    host, port = _parse_reader(reader)
    with reporting("card insert", as_json=as_json), ExitStack() as stack:
        observers: tuple[TraceWriter, ...] = ()
        if trace is not None:
            observers = (TraceWriter(stack.enter_context(trace.open("a", encoding="utf-8"))),)
        slot = CardSlot(card, observers=observers, holder=holding.inserting_holder())
        stack.enter_context(slot.inserted())
        signal.signal(signal.SIGTERM, _pulled)
        service = vpcd.CardService(
            slot,
            partial(vpcd.connect, host, port),
            redial_seconds=vpcd.ABSENCE_SECONDS if stay else None,
        )
        _hold(service, host, port)
        report("card insert", {"card": str(card), "pulled": True}, ["pulled"], as_json=as_json)


@app.command()
def pull(card: Card, as_json: AsJSON = False) -> None:
    """Pull a card out of the reader that `juki-card insert` put it into."""
    with reporting("card pull", as_json=as_json):
        holding.pull(card)
        report("card pull", {"card": str(card)}, [f"pulled {card}"], as_json=as_json)


@app.command()
def show(card: Card, as_json: AsJSON = False) -> None:
    """Show what is on a card: no PIN, no CAN, no key, no resident code."""
    with reporting("card show", as_json=as_json):
        told = facts(CardFile(card).read())
        told["held_by"] = holding.holder_of(card)
        lines = [f"{name.replace('_', ' ')}: {_shown(value)}" for name, value in told.items()]
        report("card show", told, lines, as_json=as_json)


@app.command()
def trace(
    file: Annotated[Path, typer.Argument(help="A file that `insert --trace` wrote.")],
    as_json: AsJSON = False,
) -> None:
    """Explain a trace: each command's name, lengths, status word and time."""
    with reporting("card trace", as_json=as_json):
        lines, rows = [], list[JSON]()
        for exchange in read_trace(file):
            status = "no answer" if exchange.answer is None else exchange.answer[-4:]
            lines.append(
                f"{exchange.number:4} {exchange.name:<40} {len(exchange.command) // 2:5} octets"
                f"  {status}  {exchange.took_us / 1000:8.2f} ms"
            )
            rows.append({"n": exchange.number, "name": exchange.name, "status": status})
        report("card trace", {"exchanges": rows}, lines, as_json=as_json)


class _Pulled(Exception):
    """`juki-card pull` asked this process to end."""


def _pulled(*_signal: object) -> None:
    raise _Pulled


def _hold(service: vpcd.CardService, host: str, port: int) -> None:
    """Serve until the card is pulled; raise ReaderUnavailable where the reader went away."""
    try:
        service.start()
        sys.stderr.write(f"inserted into {host}:{port}; Ctrl-C or `juki-card pull` takes it out\n")
        while not service.wait(_LOOK_SECONDS):
            pass  # Python forgets a signal that comes in the moment before a wait, until it ends.
    except _Pulled:
        service.stop()
        return
    except KeyboardInterrupt:
        service.stop()
        raise typer.Exit(INTERRUPTED) from None
    raise ReaderUnavailable(host, port, "the reader hung up")


def _parse_reader(reader: str) -> tuple[str, int]:
    host, _, port = reader.rpartition(":")
    if not host or not port.isdecimal():
        raise typer.BadParameter("HOST:PORT wanted", param_hint="--reader")
    return host, int(port)


def _parse_chip_serial(digits: str) -> bytes:
    try:
        return bytes.fromhex(digits)
    except ValueError:
        raise typer.BadParameter("hex digits wanted", param_hint="--chip-serial") from None


def _holder_data(source: str | None) -> HolderData:
    if source is None:
        hidden = partial(typer.prompt, hide_input=True, confirmation_prompt=True)
        return ask_holder_data(partial(typer.prompt, default=""), hidden)
    if source == "-":
        return parse_holder_data(sys.stdin.read())
    try:
        text = Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"cannot be read: {error}", param_hint="--from") from error
    return parse_holder_data(text)


def _shown(value: JSON) -> str:
    if isinstance(value, list):
        return "".join(f"\n  {item}" for item in value) or "none"
    return "nobody" if value is None else str(value)
