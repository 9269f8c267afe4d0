"""A clerk, a card and a center in a process of its own: from the hand-over to the return.

Cases 13, 14 and 33 at the window: locked, unlocked, lost, found, replaced, handed in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from juki_card.passwords import Pin
from juki_card.virtual.memory import PinRecord, PinState
from juki_cardbox.cardfile import CardFile
from juki_client.identity import ClientIdentity
from juki_terminal.channel import Center
from juki_terminal.cli import app
from juki_terminal.config import TerminalConfig
from juki_terminal.trust import Trust
from tests.support.center_process import CenterProcess
from tests.support.register_service import code_of
from tests.unit.terminal.counter import NEW, Counter, Scissors, ended

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
PIN, OTHER_PIN, WRONG = "2580", "7319", "9172"
MAKOTO, FUMI, KEN = (code_of(key) for key in ("tsuji-makoto", "ichigaya-fumi", "yamazaki-ken"))
DOCUMENTS = [
    {"kind": "KIND_DRIVING_LICENCE", "number": "3012-3456 7890", "chip_verified": True},
    {"kind": "KIND_PENSION_BOOK", "number": "1234-567890"},
]
FORM: dict[str, object] = {
    "style": "CARD_STYLE_1",
    "place": "PLACE_COUNTER",
    "documents": DOCUMENTS,
    "lapsed_card": "LAPSED_CARD_NONE_HELD",
}


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def result(self) -> dict[str, object]:
        result = json.loads(self.out.splitlines()[-1]).get("result")
        assert isinstance(result, dict), self.out + self.err
        return result

    @property
    def reason(self) -> str:
        return str(json.loads(self.out.splitlines()[-1])["error"]["reason"])

    def of(self, name: str, key: str) -> str:
        found = self.result[name]
        assert isinstance(found, dict)
        return str(found[key])


Run = Callable[..., Ended]


@dataclass(frozen=True)
class Made:
    """A card that lies ready for its holder."""

    application: str
    number: str
    can: str
    path: Path

    @property
    def reader(self) -> str:
        return f"virtual:{self.path}"

    @property
    def pin(self) -> PinRecord:
        return CardFile(self.path).load().pin


@pytest.fixture(scope="module")
def center(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CenterProcess]:
    with CenterProcess(tmp_path_factory.mktemp("life"), is_forked=True) as serving:
        yield serving


@pytest.fixture
def run(center: CenterProcess, tmp_path: Path) -> Run:
    config = _impatient(center.folder / "terminal.toml")

    def run(
        *arguments: str, form: object = None, card: Made | None = None, **entries: str
    ) -> Ended:
        options = ["--config", str(config), "--json", "--lang", "ja"]
        options += ["--reader", card.reader] if card is not None else []
        line = [*options, *arguments]
        line += ["--from", "-"] if form is not None else []
        for name, text in entries.items():
            path = tmp_path / name
            path.write_text("\n".join(text.split()) + "\n", encoding="ascii")
            line += [f"--{name.replace('_', '-')}", str(path)]
        ended = CliRunner().invoke(app, line, input=json.dumps(form))
        return Ended(ended.exit_code, ended.stdout, ended.stderr)

    return run


def _impatient(config: Path) -> Path:
    """Return a configuration with which an unanswered request is not sent again by itself."""
    path = config.with_name("impatient.toml")
    text = config.read_text(encoding="utf-8")
    impatient = text.replace("[session]\n", "[session]\nretry_seconds = 0\n")
    assert impatient != text
    path.write_text(impatient, encoding="utf-8")
    return path


@pytest.fixture
def make(run: Run, center: CenterProcess) -> Callable[[str], Made]:
    """Make a card for an approved application, of the next blank chip."""
    folder = center.folder / "blanks"

    def make(application: str) -> Made:
        used = len(list(folder.glob("used-*")))
        (folder / f"used-{used + 1}").touch()
        path = folder / f"blank-{used + 1:02d}.card"
        if not path.exists():
            _more_blanks(center, path)
        blank = Made(application, "", "", path)
        made = run("card", "personalise", application, card=blank)
        assert made.code == 0, made.out + made.err
        # The number is on the face, which only a card that was printed has.
        can = CardFile(path).load().can.octets().decode("ascii")
        return Made(application, str(made.result["card_number"]), can, path)

    return make


def _more_blanks(center: CenterProcess, path: Path) -> None:
    from juki_cardbox.cli import app as card_app  # the command that makes blanks

    pki = str(center.folder / "pki")
    ended = CliRunner().invoke(card_app, ["new", str(path), "--pki", pki, "--blank"])
    assert ended.exit_code == 0, ended.output


@pytest.fixture
def apply(run: Run) -> Callable[[str], str]:
    """Apply for a first card on the same day, after a code change has ended the one there was."""

    def apply(code: str) -> str:
        shown = run("resident", "show", form={"code": code})
        version = int(shown.of("record", "version"))
        change = {"code": code, "expected_version": version}
        new = run("resident", "change-code", form=change).of("record", "code")
        form = {"form": {**FORM, "code": new}}
        taken = run("application", "submit", "--yes", form=form)
        assert taken.code == 0, taken.out + taken.err
        return new + " " + taken.of("application", "number")

    return apply


def state(run: Run, card: Made) -> str:
    shown = run("card", "show", card.number, form={})
    (one,) = shown.result["cards"]  # type: ignore[misc]  # a list of one
    return str(one["state"]).removeprefix("CARD_STATE_")


def prove(run: Run, card: Made, pin: str, tmp_path: Path) -> str:
    """Ask for a copy in another municipality's way; return the reason, or nothing."""
    out = str(tmp_path / "copy.pdf")
    asked = run("copy", "issue", "--out", out, card=card, pin_from=pin)
    return "" if asked.code == 0 else asked.reason


def test_a_cards_life_from_hand_over_to_return(
    run: Run,
    apply: Callable[[str], str],
    make: Callable[[str], Made],
    tmp_path: Path,
) -> None:
    """Cases 13, 14, 33: each step shows in the card, at the center and at the terminal."""
    code, application = apply(MAKOTO).split()
    card = make(application)
    documents = {"documents": DOCUMENTS}
    assert state(run, card) == "MADE"
    early = prove(run, card, PIN, tmp_path)
    assert early != ""

    handed = run(
        *("card", "hand-over", application),
        form={"documents": DOCUMENTS[:1]},
        card=card,
        new_pin_from=f"{PIN} {PIN}",
    )
    again = run(
        *("card", "hand-over", application),
        form={"documents": DOCUMENTS[:1]},
        card=card,
        new_pin_from=f"{PIN} {PIN}",
    )
    assert handed.code == 0, handed.out + handed.err
    assert handed.of("application", "state") == "APPLICATION_STATE_DELIVERED"
    assert again.reason == "NOT_IN_THIS_STATE"
    assert state(run, card) == "ACTIVE"
    assert card.pin.tries_left == 3

    locked = prove(run, card, f"{WRONG} {WRONG} {WRONG}", tmp_path)
    right = prove(run, card, PIN, tmp_path)
    assert (locked, right) == ("PIN_LOCKED", "PIN_LOCKED")
    assert state(run, card) == "ACTIVE"

    kept = run(
        *("card", "unlock", card.number, "--keep"),
        form=documents,
        card=card,
        can_from=card.can,
        pin_from=PIN,
    )
    assert kept.code == 0, kept.out + kept.err
    assert card.pin.tries_left == 3
    forgotten = run(
        *("card", "unlock", card.number, "--forgotten"),
        form=documents,
        card=card,
        can_from=card.can,
        new_pin_from=f"{OTHER_PIN} {OTHER_PIN}",
    )
    assert forgotten.code == 0, forgotten.out + forgotten.err
    one_document = run(
        *("card", "unlock", card.number, "--keep"),
        form={"documents": DOCUMENTS[:1]},
        card=card,
        can_from=card.can,
        pin_from=OTHER_PIN,
    )
    assert one_document.reason == "TWO_DOCUMENTS_REQUIRED"

    report = {
        "reporter": "REPORTER_HOLDER",
        "channel": "CHANNEL_PHONE",
        "reason": "REASON_LOST",
        "questions": [{"topic": "TOPIC_NAME", "answered_rightly": True}],
    }
    suspended = run("card", "suspend", "--yes", form={**report, "card": {"code": code}}, card=card)
    assert suspended.of("card", "number") == card.number
    assert state(run, card) == "SUSPENDED"
    assert prove(run, card, OTHER_PIN, tmp_path) == "CARD_SUSPENDED"
    assert card.pin.tries_left == 3

    resumed = run(
        *("card", "resume", card.number, "--yes"), form=documents, card=card, can_from=card.can
    )
    assert resumed.code == 0, resumed.out + resumed.err
    assert state(run, card) == "ACTIVE"

    lost = {
        "form": {**FORM, "code": code},
        "lost": {"reason": "REASON_LOST", "police_report": "7-77"},
    }
    replaced = run("card", "reissue", "--yes", form=lost)
    assert replaced.code == 0, replaced.out + replaced.err
    assert replaced.of("old_card", "number") == card.number
    assert state(run, card) == "REVOKED"
    refused = run(
        *("card", "resume", card.number, "--yes"), form=documents, card=card, can_from=card.can
    )
    assert refused.reason == "NOT_IN_THIS_STATE"

    second = make(replaced.of("application", "number"))
    assert second.number != card.number
    found = run("card", "return", card.number, "--yes", card=card, can_from=card.can)
    assert found.code == 0, found.out + found.err
    assert found.of("card", "state") == "CARD_STATE_REVOKED"
    twice = run("card", "return", card.number, "--yes", "--dead", card=card)
    assert twice.reason == "ALREADY_RETURNED"
    dead = run("card", "return", second.number, "--yes", "--dead", card=second)
    assert dead.of("card", "state") == "CARD_STATE_RETURNED"


def test_a_card_that_was_locked_before_its_hand_over_is_unlocked_first(
    run: Run, apply: Callable[[str], str], make: Callable[[str], Made], tmp_path: Path
) -> None:
    _, application = apply(FUMI).split()
    card = make(application)
    prove(run, card, f"{WRONG} {WRONG} {WRONG}", tmp_path)
    hand_over = ("card", "hand-over", application)
    form = {"documents": DOCUMENTS[:1]}

    locked = run(*hand_over, form=form, card=card, new_pin_from=f"{PIN} {PIN}")
    unlocked = run(
        *("card", "unlock", card.number, "--forgotten"),
        form={"documents": DOCUMENTS},
        card=card,
        can_from=card.can,
        new_pin_from=f"{PIN} {PIN}",
    )
    before = state(run, card)
    handed = run(*hand_over, form=form, card=card, new_pin_from=f"{PIN} {PIN}")

    assert locked.reason == "PIN_LOCKED"
    assert unlocked.code == 0, unlocked.out + unlocked.err
    assert before == "MADE"
    assert handed.code == 0, handed.out + handed.err
    assert state(run, card) == "ACTIVE"


@pytest.fixture
def channel(center: CenterProcess) -> Iterator[Center]:
    """A channel of the terminal to the center, under a command line that can be cut."""
    config = TerminalConfig.load(center.folder / "terminal.toml")
    identity = ClientIdentity.load(config.certificate, config.key)
    with Center(config.center_address, identity, Trust.load(config.trust_dir)) as opened:
        yield opened


CUTS = [
    ("pull", 20),
    ("pull", 60),
    ("kill", 16),
    ("kill", 45),
    ("lose", 2),
    ("lose", 3),
    ("lose", 4),
]


def test_a_hand_over_and_an_unlocking_that_are_cut_end_with_one_card_in_use(
    run: Run,
    apply: Callable[[str], str],
    make: Callable[[str], Made],
    channel: Center,
    tmp_path: Path,
) -> None:
    """Whatever is cut, the same order finishes it; the PIN counts before the card does."""
    code, application = apply(KEN).split()
    for number, (what, at) in enumerate(CUTS):
        card = make(application)
        counter = Counter(
            channel, card.path, tmp_path / str(number), card.application, card.number, card.can
        )
        setattr(counter, what, Scissors(at))
        first = ended(counter.hand_over)
        after = state(run, card)
        assert after == "MADE" or proved_by_new_pin(card), (what, at, first)
        assert ended(counter.hand_over) in {"DONE", "NOT_IN_THIS_STATE"}, (what, at, first)
        assert state(run, card) == "ACTIVE", (what, at, first)
        assert proved_by_new_pin(card), (what, at, first)

        setattr(counter, what, Scissors(at))
        first = ended(lambda: counter.unlock(forgotten=True))  # noqa: B023  # called here
        is_done = first == "DONE"
        assert is_done or ended(lambda: counter.unlock(forgotten=True)) == "DONE", (what, at)  # noqa: B023
        assert proved_by_new_pin(card), (what, at, first)
        assert not pending(run, card), (what, at, first)

        usable = [one for one in all_cards(run, code) if one["state"] == "CARD_STATE_ACTIVE"]
        assert [one["number"] for one in usable] == [card.number], (what, at)
        lost = {"form": {**FORM, "code": code}, "lost": {"reason": "REASON_LOST"}}
        application = run("card", "reissue", "--yes", form=lost).of("application", "number")


def proved_by_new_pin(card: Made) -> bool:
    """Tell whether the card has the holder's PIN and all its tries."""
    return (card.pin.state, card.pin.value, card.pin.tries_left) == (
        PinState.OPERATIONAL,
        Pin(NEW),
        3,
    )


def pending(run: Run, card: Made) -> bool:
    (one,) = run("card", "show", card.number, form={}).result["cards"]  # type: ignore[misc]  # one
    return bool(one.get("pin_pending", False))


def all_cards(run: Run, code: str) -> list[dict[str, str]]:
    shown = run("card", "show", form={"card": {"code": code}})
    return shown.result["cards"]  # type: ignore[return-value]  # a list of objects
