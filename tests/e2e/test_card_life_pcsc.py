"""One card over real PC/SC, from the blank to its end: right in chip, center and terminal.

After each step all three are asked (cases 13, 14 and 33).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from juki_card.virtual.blank_memory import BlankMemory
from juki_cardbox.cardfile import CardFile
from juki_cardbox.sandbox import PcscSandbox, why_unavailable
from juki_client.outcome import Problem
from juki_desk.center import Center
from juki_desk.config import DeskConfig
from juki_pki import make as make_pki
from juki_pki.folder import PKIFolder
from juki_pki.identity import PeerIdentity, Role
from juki_pki.profile import Profiles
from jukinet.cards.v1 import card_service_pb2 as pb
from tests.e2e.card_life import TWO, CardLife, Seen, can_of
from tests.e2e.killed_commands import MortalTerminals, mortal_terminals
from tests.e2e.stage import PcscSlots, Run, Stage
from tests.support.center_process import CenterProcess
from tests.support.register_service import code_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]
FUMI = code_of("ichigaya-fumi")
PIN, SECOND_PIN, THIRD_PIN, WRONG = "7135", "8246", "9357", "9172"


@dataclass
class ForkedStage(Stage):
    """A stage whose terminals are forks of one process: the same commands, loaded once."""

    terminals: MortalTerminals = field(kw_only=True)

    def terminal(
        self, *arguments: str, config: Path | None = None, reader: str = "", stdin: str = ""
    ) -> Run:
        """Run `juki-terminal --json` to its end."""
        terminals = replace(self.terminals, config=config or self.config)
        done = terminals.run(*arguments, stdin=stdin, reader=reader)
        assert done is not None
        lines = (terminals.folder / "mortal.jsonl").read_text(encoding="utf-8").splitlines()
        return replace(done, traffic=tuple(json.loads(line) for line in lines))


@pytest.fixture
def life(tmp_path: Path) -> Iterator[CardLife]:
    """The window of Chiyoda, where a resident without a card lives, with a reader in pcscd."""
    lacking = why_unavailable()
    if lacking:
        pytest.skip(lacking)
    with CenterProcess(tmp_path / "center") as center, PcscSandbox(slots=1) as sandbox:
        environment = dict(sandbox.environment)
        config = center.folder / "terminal.toml"
        with mortal_terminals(tmp_path / "runs", config, environment=environment) as terminals:
            stage = ForkedStage(
                center.folder, center, PcscSlots(sandbox), environment, terminals=terminals
            )
            yield CardLife(stage, stage.config, tmp_path)


def another_terminal(life: CardLife) -> Path:
    """The configuration of a terminal in another city."""
    pki = PKIFolder(life.stage.folder / "pki")
    identity = PeerIdentity(Role.TERMINAL, "01", "112089")
    if not pki.peer_path(identity).exists():
        make_pki.issue_peer(pki, identity, Profiles.load(), datetime.now(UTC))
    path = life.stage.folder / "terminal-112089.toml"
    text = life.config.read_text(encoding="utf-8")
    path.write_text(text.replace("131016-01", "112089-01"), encoding="utf-8")
    return path


def done(run: Run) -> Run:
    assert run.exit_code == 0, (run.answer, run.said)
    return run


def test_card_of_one_life_is_right_in_chip_center_and_terminal_after_each_step(
    life: CardLife,
) -> None:
    """Cases 13, 14 and 33, over one card in a real reader."""
    card, elsewhere = life.blank("first"), another_terminal(life)
    assert isinstance(CardFile(card).read(), BlankMemory)

    application = str(done(life.apply(FUMI)).result["application"]["number"])
    number = str(done(life.make(application, card)).result["card_number"])
    assert life.seen(card, number) == Seen(("transport", 3), "MADE", "MADE", 3)

    done(life.hand_over(application, card, PIN, PIN))
    assert life.seen(card, number) == Seen(("operational", 3), "ACTIVE", "ACTIVE", 3)

    assert done(life.copy(card, PIN, config=elsewhere)).result["issue_number"]

    done(
        life.at_reader(
            card, "card", "change-pin", pin_from=PIN, new_pin_from=f"{SECOND_PIN}\n{SECOND_PIN}"
        )
    )
    assert life.copy(card, PIN).reason == "PIN_WRONG"
    assert life.seen(card, number) == Seen(("operational", 2), "ACTIVE", "ACTIVE", 2)
    done(life.copy(card, SECOND_PIN, config=elsewhere))
    assert life.seen(card, number) == Seen(("operational", 3), "ACTIVE", "ACTIVE", 3)

    locked = life.copy(card, WRONG, WRONG, WRONG)
    right_elsewhere = life.copy(card, SECOND_PIN, config=elsewhere)
    assert (locked.reason, right_elsewhere.reason) == ("PIN_LOCKED", "PIN_LOCKED")
    assert life.seen(card, number) == Seen(("operational", 0), "ACTIVE", "ACTIVE", 0)

    done(life.unlock(number, card, "--keep", pin_from=SECOND_PIN))
    assert life.seen(card, number) == Seen(("operational", 3), "ACTIVE", "ACTIVE", 3)
    done(life.unlock(number, card, "--forgotten", new_pin_from=f"{THIRD_PIN}\n{THIRD_PIN}"))
    assert life.seen(card, number) == Seen(("operational", 3), "ACTIVE", "ACTIVE", 3)

    stopped = done(life.report_loss({"code": FUMI}))
    assert (stopped.result["stopped"], stopped.result["card"]["number"]) == (True, number)
    refused = life.copy(card, THIRD_PIN)
    assert refused.reason == "CARD_SUSPENDED"
    assert refused.counted["apdus"] < 18, "the code was read from a suspended card"
    assert life.seen(card, number) == Seen(("operational", 3), "SUSPENDED", "SUSPENDED", 3)

    assert resumed_by_telephone(life) == "ROLE_NOT_ALLOWED"
    assert life.seen(card, number) == Seen(("operational", 3), "SUSPENDED", "SUSPENDED", 3)

    resume = ("card", "resume", number, "--yes")
    done(life.clerk(*resume, form=TWO, card=card, can_from=can_of(card)))
    assert life.seen(card, number) == Seen(("operational", 3), "ACTIVE", "ACTIVE", 3)

    replaced = done(
        life.clerk(
            *("card", "reissue", "--yes"),
            form={
                "form": {
                    "code": FUMI,
                    "style": "CARD_STYLE_1",
                    "place": "PLACE_COUNTER",
                    **TWO,
                },
                "lost": {"reason": "REASON_LOST"},
            },
        )
    )
    second = life.blank("second")
    application = str(replaced.result["application"]["number"])
    second_number = str(done(life.make(application, second)).result["card_number"])
    done(life.hand_over(application, second, PIN, PIN))
    found = life.clerk(*resume, form=TWO, card=card, can_from=can_of(card))
    assert found.reason == "NOT_IN_THIS_STATE"
    assert life.copy(card, THIRD_PIN).reason == "CARD_REVOKED"
    assert life.seen(card, number) == Seen(("operational", 3), "REVOKED", "REVOKED", 3)
    assert life.seen(second, second_number) == Seen(("operational", 3), "ACTIVE", "ACTIVE", 3)

    give_back = ("card", "return", "--yes")
    done(life.clerk(*give_back, number, card=card, can_from=can_of(card)))
    assert life.seen(card, number) == Seen(("operational", 3), "REVOKED", "REVOKED", 3)
    done(life.clerk(*give_back, second_number, card=second, can_from=can_of(second)))
    assert life.copy(second, PIN).reason == "CARD_REVOKED"
    assert life.seen(second, second_number) == Seen(("operational", 3), "RETURNED", "RETURNED", 3)


def resumed_by_telephone(life: CardLife) -> str:
    """Try what the desk has no command for: to call the center as the desk and resume."""
    assert life.desk("resume").exit_code == 2
    with Center.of(DeskConfig.load(life.stage.folder / "desk.toml")) as center:
        try:
            center.call(center.cards.ResumeCard, pb.ResumeCardRequest())
        except Problem as problem:
            return problem.reason
    return ""
