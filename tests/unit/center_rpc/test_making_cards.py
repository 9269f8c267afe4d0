"""Cards made over gRPC with virtual blanks: one that succeeds, and each one that is refused."""

from __future__ import annotations

import os
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from juki_card.blank_key import MasterKey
from juki_card.virtual.memory import CardMemory
from juki_cardbox.blanks import make_blank
from juki_cardbox.cardfile import CardFile
from juki_cardbox.personalise import serial_of
from juki_center.areas.cards.application_rows import ApplicationState
from juki_center.areas.cards.personalisation_rows import PersonalisationState
from juki_center.areas.cards.register import CardStatus, CardStyle
from juki_client.outcome import Problem
from juki_terminal.personalisation import Wanted, WrittenCard, open_ones, personalise, prove, write
from jukinet.cards.v1 import card_application_pb2
from jukinet.cards.v1 import card_service_pb2 as pb
from tests.support.card_factory import (
    CLERK,
    PHOTO,
    SURROUNDINGS,
    Factory,
    card_factory,
    furnish,
    patiently,
)
from tests.support.center import SAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from juki_center.areas.cards.numbers import ApplicationNumber
    from juki_center.areas.cards.register import Card
    from juki_pki.folder import PKIFolder
    from juki_terminal.channel import Center


@pytest.fixture(scope="module")
def factory(tmp_path_factory: pytest.TempPathFactory, pki: PKIFolder) -> Iterator[Factory]:
    folder = tmp_path_factory.mktemp("factory")
    furnish(folder)
    with card_factory(folder, pki) as running:
        yield running


@pytest.fixture(scope="module")
def terminal(factory: Factory) -> Iterator[Center]:
    with factory.terminal() as center:
        yield center


def make(factory: Factory, terminal: Center, number: str, chip: Path) -> WrittenCard:
    return patiently(
        lambda: personalise(
            terminal, factory.reader(chip), Wanted(number), surroundings=SURROUNDINGS
        )
    )


def reason_of(factory: Factory, terminal: Center, number: str, chip: Path) -> str:
    with pytest.raises(Problem) as caught:
        make(factory, terminal, number, chip)
    return caught.value.reason


def state_of(factory: Factory, number: ApplicationNumber) -> ApplicationState:
    found = factory.read(lambda tx: tx.applications.application(number))
    assert found is not None
    return found.state


def card_of(factory: Factory, chip: Path) -> Card:
    memory = CardFile(chip).load()
    assert isinstance(memory, CardMemory)
    found = factory.read(lambda tx: tx.cards.card(serial_of(memory)))
    assert found is not None
    return found


def test_blank_becomes_a_card_of_the_application(factory: Factory, terminal: Center) -> None:
    number, chip = factory.apply(), factory.blank()

    made = make(factory, terminal, number, chip)
    card = card_of(factory, chip)

    assert (card.status, card.number) == (CardStatus.MADE, made.card_number)
    assert card.valid_until.isoformat() == made.valid_until
    assert state_of(factory, number) is ApplicationState.READY
    assert not made.was_written_before


def test_chip_holds_the_can_that_was_told_and_nobody_elses_code(
    factory: Factory, terminal: Center
) -> None:
    number, chip = factory.apply(), factory.blank()

    made = make(factory, terminal, number, chip)
    memory = CardFile(chip).load()

    assert memory.can.octets().decode() == made.card_access_number
    dg1 = next(file.content for file in memory.files if file.identifier == 0x0101)
    assert dg1.endswith(factory.code_of(number).digits.encode())


def test_card_that_is_made_already_is_only_proved_once_more(
    factory: Factory, terminal: Center
) -> None:
    number, chip = factory.apply(), factory.blank()
    first = make(factory, terminal, number, chip)

    again = make(factory, terminal, number, chip)

    assert again.was_written_before
    assert (again.card_number, again.personalisation_id) == (
        first.card_number,
        first.personalisation_id,
    )


def test_used_card_is_refused_and_begins_nothing(factory: Factory, terminal: Center) -> None:
    chip = factory.blank()
    make(factory, terminal, factory.apply(), chip)
    number = factory.apply()

    reason = reason_of(factory, terminal, number, chip)

    assert reason == "CARD_NOT_BLANK"
    assert factory.read(lambda tx: tx.personalisations.newest_of(number)) is None


def test_used_card_in_place_of_the_one_that_was_begun_is_refused(
    factory: Factory, terminal: Center
) -> None:
    other, number = factory.blank(), factory.apply()
    make(factory, terminal, factory.apply(), other)
    write(terminal, factory.reader(factory.blank()), Wanted(number), surroundings=SURROUNDINGS)

    assert reason_of(factory, terminal, number, other) == "CARD_NOT_BLANK"
    assert state_of(factory, number) is ApplicationState.APPROVED


def test_foreign_chip_is_refused_and_begins_nothing(
    factory: Factory, terminal: Center, tmp_path: Path
) -> None:
    number, chip = factory.apply(), tmp_path / "foreign.card"
    make_blank(chip, MasterKey(os.urandom(16)))

    reason = reason_of(factory, terminal, number, chip)

    assert reason == "CARD_NOT_AUTHENTIC"
    assert factory.read(lambda tx: tx.personalisations.newest_of(number)) is None


def test_chip_of_another_application_is_refused(factory: Factory, terminal: Center) -> None:
    first, second, chip = factory.apply(), factory.apply(), factory.blank()
    begin_only(factory, terminal, first, chip)

    assert reason_of(factory, terminal, second, chip) == "CHIP_ALREADY_USED"


def test_chip_that_was_given_up_is_refused_for_ever(factory: Factory, terminal: Center) -> None:
    number, chip = factory.apply(), factory.blank()
    begin_only(factory, terminal, number, chip)
    answer = give_up(factory, terminal, number)

    assert answer.application.state == card_application_pb2.APPLICATION_STATE_APPROVED
    assert reason_of(factory, terminal, number, chip) == "CHIP_ALREADY_USED"
    assert make(factory, terminal, number, factory.blank()).card_number


def test_second_blank_for_an_open_application_is_refused(
    factory: Factory, terminal: Center
) -> None:
    number = factory.apply()
    begin_only(factory, terminal, number, factory.blank())

    assert reason_of(factory, terminal, number, factory.blank()) == "PERSONALISATION_OPEN"


def test_second_blank_for_an_application_that_is_ready_is_refused(
    factory: Factory, terminal: Center
) -> None:
    number = factory.apply()
    make(factory, terminal, number, factory.blank())

    assert reason_of(factory, terminal, number, factory.blank()) == "NOT_IN_THIS_STATE"


@pytest.mark.parametrize(
    "state",
    sorted(set(ApplicationState) - {ApplicationState.APPROVED, ApplicationState.READY}),
)
def test_application_in_another_state_is_refused(
    factory: Factory, terminal: Center, state: ApplicationState
) -> None:
    number, chip = factory.apply(state=state), factory.blank()

    assert reason_of(factory, terminal, number, chip) == "NOT_IN_THIS_STATE"
    assert factory.read(lambda tx: tx.personalisations.newest_of(number)) is None


def test_application_of_another_municipality_is_not_found(
    factory: Factory, terminal: Center
) -> None:
    elsewhere = factory.apply("tsuji-makoto")

    assert reason_of(factory, terminal, elsewhere, factory.blank()) == "APPLICATION_NOT_FOUND"


def test_application_that_does_not_exist_is_not_found(factory: Factory, terminal: Center) -> None:
    assert reason_of(factory, terminal, "A000000000195", factory.blank()) == "APPLICATION_NOT_FOUND"


def test_number_that_is_none_is_invalid(factory: Factory, terminal: Center) -> None:
    assert reason_of(factory, terminal, "A000000000196", factory.blank()) == "FIELD_INVALID"


def test_open_ones_are_listed_with_what_a_look_at_the_card_needs(
    factory: Factory, terminal: Center
) -> None:
    begun, written = factory.apply(), factory.apply("takahashi-kazuko")
    begin_only(factory, terminal, begun, factory.blank())
    wanted, chip = Wanted(written), factory.blank()
    card = patiently(
        lambda: write(terminal, factory.reader(chip), wanted, surroundings=SURROUNDINGS)
    )

    listed = {one.application_number: one for one in open_ones(terminal)}

    assert (listed[begun].card_number, listed[begun].card_access_number) == ("", "")
    assert (listed[written].card_number, listed[written].card_access_number) == (
        card.card_number,
        card.card_access_number,
    )


def test_open_ones_of_another_municipality_are_not_listed(
    factory: Factory, terminal: Center
) -> None:
    number = factory.apply()
    begin_only(factory, terminal, number, factory.blank())

    with factory.terminal("131016") as chiyoda:
        listed = open_ones(chiyoda)

    assert number not in {one.application_number for one in listed}


def test_given_up_twice_by_the_same_request_answers_alike(
    factory: Factory, terminal: Center
) -> None:
    number = factory.apply()
    begin_only(factory, terminal, number, factory.blank())
    row = factory.read(lambda tx: tx.personalisations.newest_of(number))
    assert row is not None
    request = pb.VoidPersonalisationRequest(
        request_id="6f1f0a36-57e4-4d7c-b6a5-0d4c5d4e9d11",
        clerk_name=CLERK,
        personalisation_id=row.personalisation_id,
    )

    first = terminal.call(terminal.cards.VoidPersonalisation, request)
    make(factory, terminal, number, factory.blank())
    # Its leaf is older than what was seen meanwhile; a journal knows what was seen at first.
    second = terminal.call(terminal.cards.VoidPersonalisation, request, seen=0)

    assert first == second


def test_made_card_that_is_found_dead_is_given_up_and_made_anew(
    factory: Factory, terminal: Center
) -> None:
    number, dead = factory.apply(), factory.blank()
    first = make(factory, terminal, number, dead)

    give_up(factory, terminal, number)
    second = make(factory, terminal, number, factory.blank())

    assert card_of(factory, dead).status is CardStatus.VOID
    assert first.card_number != second.card_number
    with pytest.raises(Problem) as caught:
        prove(terminal, factory.reader(dead), first.card_access_number, surroundings=SURROUNDINGS)
    assert caught.value.reason == "CARD_REVOKED"


def test_card_in_its_holders_hands_is_not_given_up(factory: Factory, terminal: Center) -> None:
    number, chip = factory.apply(), factory.blank()
    made = make(factory, terminal, number, chip)
    card = card_of(factory, chip)
    factory.act(lambda tx: tx.cards.set_status(card.serial, CardStatus.ACTIVE))

    with pytest.raises(Problem) as caught:
        give_up(factory, terminal, number)

    assert caught.value.reason == "NOT_IN_THIS_STATE"
    assert card_of(factory, chip).number == made.card_number


@pytest.mark.parametrize("municipality", ["112089", "131016"])
def test_personalisation_that_is_unknown_or_anothers_is_not_found(
    factory: Factory, terminal: Center, municipality: str
) -> None:
    number = factory.apply()
    begin_only(factory, terminal, number, factory.blank())
    row = factory.read(lambda tx: tx.personalisations.newest_of(number))
    assert row is not None
    known = row.personalisation_id if municipality == "131016" else bytes(16)

    with factory.terminal(municipality) as center, pytest.raises(Problem) as caught:
        center.call(
            center.cards.VoidPersonalisation,
            pb.VoidPersonalisationRequest(
                request_id="6f1f0a36-57e4-4d7c-b6a5-0d4c5d4e9d12",
                clerk_name=CLERK,
                personalisation_id=known,
            ),
        )

    assert caught.value.reason == "PERSONALISATION_NOT_FOUND"


def test_face_of_style_2_has_photo_and_register_entries(factory: Factory, terminal: Center) -> None:
    number = factory.apply("sasaki-megumi", style=CardStyle.STYLE_2, photo=PHOTO)
    made = make(factory, terminal, number, factory.blank())

    face = terminal.call(
        terminal.cards.GetCardFace,
        pb.GetCardFaceRequest(clerk_name=CLERK, application_number=number),
    ).face

    record = SAMPLES["sasaki-megumi"].record
    assert (face.number, face.card_access_number) == (made.card_number, made.card_access_number)
    assert (face.name, face.municipality_name, face.sex) == (record.name, "所沢市", "女")
    assert face.address == f"{record.address}\u3000{record.building}"
    assert face.photo == PHOTO
    assert face.birth_date.year == record.birth.year


def test_face_of_style_1_has_the_name_alone(factory: Factory, terminal: Center) -> None:
    number = factory.apply()
    make(factory, terminal, number, factory.blank())

    face = terminal.call(
        terminal.cards.GetCardFace,
        pb.GetCardFaceRequest(clerk_name=CLERK, application_number=number),
    ).face

    assert face.name == SAMPLES["yoshida-taro"].record.name
    assert (face.sex, face.address, face.photo, face.HasField("birth_date")) == ("", "", b"", False)


def test_face_is_shown_neither_before_the_card_nor_after_the_hand_over(
    factory: Factory, terminal: Center
) -> None:
    before, after, chip = factory.apply(), factory.apply(), factory.blank()
    make(factory, terminal, after, chip)
    serial = card_of(factory, chip).serial
    factory.act(lambda tx: tx.cards.set_status(serial, CardStatus.ACTIVE))

    for number in (before, after):
        with pytest.raises(Problem) as caught:
            terminal.call(
                terminal.cards.GetCardFace,
                pb.GetCardFaceRequest(clerk_name=CLERK, application_number=number),
            )
        assert caught.value.reason == "NOT_IN_THIS_STATE"


def test_run_taken_up_the_next_day_writes_the_same_date(tmp_path: Path, pki: PKIFolder) -> None:
    furnish(tmp_path)
    ahead = [timedelta()]
    with (
        card_factory(tmp_path, pki, clock=lambda: datetime.now(UTC) + ahead[0]) as running,
        running.terminal() as terminal,
    ):
        number, chip = running.apply(), running.blank()
        begin_only(running, terminal, number, chip, answers=4)
        ahead[0] = timedelta(days=1)
        wanted = Wanted(number)
        patiently(lambda: write(terminal, running.reader(chip), wanted, surroundings=SURROUNDINGS))

    assert isinstance(CardFile(chip).read(), CardMemory)


def begin_only(
    factory: Factory, terminal: Center, number: str, chip: Path, *, answers: int = 3
) -> None:
    """Let the chip die when so many batches were answered, or begun: 3 is its key."""

    class Dying:
        def __init__(self) -> None:
            self.reader = factory.reader(chip)
            self.left = {3: 5, 4: 10}[answers]
            self.name = self.reader.name
            self.connect = self.reader.connect
            self.close = self.reader.close

        def transmit(self, command: bytes) -> bytes:
            self.left -= 1
            if self.left == 0:
                raise Problem("CARD_REMOVED")
            return self.reader.transmit(command)

    with pytest.raises(Problem) as caught:
        patiently(lambda: write(terminal, Dying(), Wanted(number), surroundings=SURROUNDINGS))
    assert caught.value.reason == "CARD_REMOVED"


def give_up(
    factory: Factory, terminal: Center, number: ApplicationNumber
) -> pb.VoidPersonalisationResponse:
    row = factory.read(lambda tx: tx.personalisations.newest_of(number))
    assert row is not None
    assert row.state is not PersonalisationState.VOID

    return terminal.call(
        terminal.cards.VoidPersonalisation,
        pb.VoidPersonalisationRequest(
            request_id=str(uuid.uuid4()),
            clerk_name=CLERK,
            personalisation_id=row.personalisation_id,
        ),
    )
