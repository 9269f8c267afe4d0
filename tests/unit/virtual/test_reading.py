"""Files, offsets, short answers under secure messaging, chains, link certificates."""

from __future__ import annotations

from datetime import timedelta

import pytest

from juki_card import cvc, ec, files
from juki_card.apdu import EXTENDED_NE, SW, CommandAPDU, ResponseAPDU
from juki_card.chat import CHAT, Role
from juki_card.cv_key import CVPublicKey
from juki_card.flow import run
from juki_card.virtual.session import Session, State
from tests.support.card_states import open_channel, reader_channel, resident_session, say
from tests.support.eac_world import (
    ALL_RIGHTS,
    AUTH,
    PIN,
    RESIDENT_CODE,
    TODAY,
    CardInHand,
    EACWorld,
    whole_session,
    world,
)


def fresh() -> CardInHand:
    """Return a card with fresh power."""
    return CardInHand(world().memory())


def after(state: State) -> CardInHand:
    """Return a card in a state of a whole session."""
    return next(s for s in resident_session() if s.state is state).card()


def command(text: str) -> CommandAPDU:
    """Parse a command from hex."""
    return CommandAPDU.decode(bytes.fromhex(text))


@pytest.mark.parametrize("text", ["00a4000c023f00", "00a4000c", "00a4040c06f04a554b4901"])
def test_selection_of_what_is_there_is_obeyed(text: str) -> None:
    assert fresh().transmit(command(text)) == ResponseAPDU(b"", SW.OK)


@pytest.mark.parametrize(
    ("text", "sw"),
    [
        ("00a4040c09e80704007f00070302", SW.FILE_NOT_FOUND),
        ("00a4020c02dead", SW.FILE_NOT_FOUND),
        ("00a40400023f00", SW.WRONG_P1P2),
        ("00a4080c023f00", SW.WRONG_P1P2),
        ("00a4020c0101", SW.WRONG_LENGTH),
        ("00a4000c023f0000", SW.WRONG_LENGTH),
    ],
)
def test_selection_of_what_is_not_there_is_refused(text: str, sw: int) -> None:
    assert fresh().transmit(command(text)).sw == sw


@pytest.mark.parametrize(
    ("text", "sw"),
    [
        ("00b0000000", SW.FILE_NOT_FOUND),
        ("00b0830000", SW.FILE_NOT_FOUND),
        ("00b0bc0000", SW.WRONG_P1P2),
        ("00b09c5700", SW.WRONG_OFFSET),
        ("00b09c00", SW.WRONG_LENGTH),
        ("00b09c00010000", SW.WRONG_LENGTH),
    ],
)
def test_reading_of_what_is_not_there_is_refused(text: str, sw: int) -> None:
    answer = fresh().transmit(command(text))

    assert (answer.data, answer.sw) == (b"", sw)


def test_file_is_read_by_short_identifier_then_by_offset() -> None:
    card = fresh()
    whole = card.transmit(command("00b09c0000"))

    head = card.transmit(command("00b09c0010"))
    tail = card.transmit(command("00b0001000"))

    assert head.sw == tail.sw == whole.sw == SW.OK
    assert head.data + tail.data == whole.data


def test_file_is_selected_and_read_from_its_start() -> None:
    card = fresh()
    card.transmit(command("00a4020c02011c"))

    assert card.transmit(command("00b0000000")).data[:1] == b"\x31"


def test_exact_le_beyond_the_end_warns() -> None:
    answer = fresh().transmit(command("00b09e00df"))

    assert (len(answer.data), answer.sw) == (10, SW.END_OF_FILE)


def test_extended_le_reads_a_whole_file() -> None:
    answer = fresh().transmit(command("00b09c00000000"))

    assert (len(answer.data), answer.sw) == (87, SW.OK)


def test_short_le_in_a_channel_gives_at_most_df_octets() -> None:
    card = after(State.TERMINAL)

    answer = say(card, files.read_short_file(files.CARD_SECURITY))

    assert (len(answer.data), answer.sw) == (0xDF, SW.OK)


def test_file_is_read_in_short_answers_as_in_one_extended() -> None:
    whole = say(after(State.TERMINAL), files.read_whole_file(files.CARD_SECURITY))
    card = after(State.TERMINAL)

    pieces = run(
        files.read_file(files.CARD_SECURITY, ne=0xDF),
        reader_channel(card).through(card.transmit),
    )

    assert pieces == whole.data
    assert len(whole.data) > 0xDF


def test_protected_answer_fits_the_le_outside() -> None:
    card = after(State.TERMINAL)
    protected = reader_channel(card).wrap(files.read_whole_file(files.CARD_SECURITY))
    for outside in (256, 300, 700):
        narrow = CommandAPDU(
            protected.cla, protected.ins, protected.p1, protected.p2, protected.data, outside
        )

        answer = after(State.TERMINAL).transmit(narrow)

        assert len(answer.data) <= outside
    assert protected.ne == EXTENDED_NE


# Command chaining, for readers that know only short lengths


def chained(card: CardInHand, whole: CommandAPDU, block: int = 255) -> list[ResponseAPDU]:
    """Send a command as a chain."""
    return [card.transmit(part) for part in whole.chained(block)]


def test_whole_session_runs_over_chained_commands() -> None:
    card = fresh()

    def transmit(whole: CommandAPDU) -> ResponseAPDU:
        if len(whole.data) <= 255:
            return card.transmit(whole)
        return chained(card, whole)[-1]

    _, code = whole_session(transmit, *world().plan())

    assert code == RESIDENT_CODE


def test_chain_in_small_blocks_is_one_command() -> None:
    card = fresh()

    answers = chained(card, command("00a4040c06f04a554b4901"), block=2)

    assert [answer.sw for answer in answers] == [SW.OK] * 3


def test_chain_broken_by_another_command_drops_the_session() -> None:
    card = fresh()
    card.transmit(command("10a4040c02f04a"))

    answer = card.transmit(command("00b09c0000"))

    assert answer == ResponseAPDU(b"", SW.CONDITIONS_NOT_SATISFIED)
    assert card.session == Session()


def test_plain_chain_in_a_channel_drops_the_session() -> None:
    card = after(State.PACE)

    answer = card.transmit(command("10a4040c02f04a"))

    assert answer.sw == SW.SM_MISSING
    assert card.session == Session()


def test_chain_without_end_is_refused() -> None:
    card = fresh()
    part = CommandAPDU(0x10, 0x2A, 0x00, 0xBE, bytes(255))

    answers = [card.transmit(part).sw for _ in range(17)]

    assert answers == [SW.OK] * 16 + [SW.WRONG_LENGTH]
    assert card.session == Session()


# Trust points and the card's date


def linked_world() -> tuple[EACWorld, cvc.CVCertificate]:
    """Return a world whose CVCA has a successor, and the link certificate between them."""
    old = EACWorld(seed="link")
    successor = EACWorld(seed="link, later")
    template = CHAT(Role.CVCA, ALL_RIGHTS)
    key = successor.key("JPTESTCVCA00002")
    body = cvc.CertificateBody(
        car=old.cvca.certificate.chr,
        public_key=CVPublicKey.of(key.public_key(), explicit=True),
        chr="JPTESTCVCA00002",
        chat=template,
        effective=TODAY + timedelta(days=1),
        expiration=TODAY + timedelta(days=1000),
    )
    algorithm = old.cvca.certificate.public_key.algorithm
    link = cvc.make_certificate(body, old.cvca.key, algorithm=algorithm)
    successor.__dict__["cvca"] = successor.issue("JPTESTCVCA00002", template, days=1095)
    return successor, link


def test_link_certificate_adds_a_trust_point_and_moves_the_date() -> None:
    successor, link = linked_world()
    card = CardInHand(EACWorld(seed="link").memory())

    _, code = whole_session(card.transmit, *successor.plan(link=(link,)))

    assert code == RESIDENT_CODE
    assert [p.chr for p in card.memory.trust_points] == ["JPTESTCVCA00002", "JPTESTCVCA00001"]
    assert card.memory.today == TODAY + timedelta(days=1)


def test_card_names_its_newest_trust_point_first_and_needs_the_link_once() -> None:
    successor, link = linked_world()
    card = CardInHand(EACWorld(seed="link").memory())
    whole_session(card.transmit, *successor.plan(link=(link,)))
    card.reset()

    names = open_channel(card, PIN, chat=AUTH).trust_points
    card.reset()
    whole_session(card.transmit, *successor.plan())

    assert names == ("JPTESTCVCA00002", "JPTESTCVCA00001")


def test_same_link_twice_adds_one_trust_point() -> None:
    successor, link = linked_world()
    card = CardInHand(EACWorld(seed="link").memory())
    whole_session(card.transmit, *successor.plan(link=(link,)))
    card.reset()

    whole_session(card.transmit, *successor.plan(link=(link,)))

    assert len(card.memory.trust_points) == 2


def test_fixed_chance_makes_the_same_session_octet_for_octet() -> None:
    def answers() -> list[bytes]:
        card, seen = fresh(), list[bytes]()

        def transmit(sent: CommandAPDU) -> ResponseAPDU:
            answer = card.transmit(sent)
            seen.append(answer.encode())
            return answer

        whole_session(transmit, *world(ec.P256).plan())
        return seen

    assert answers() == answers()
