"""A terminal that shows a card certificates of its own, and then tells the center that all is well.

It has what an insider could have: a terminal's certificate, a card, its PIN, and a whole hierarchy
of another network.
"""

from __future__ import annotations

import secrets
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from google.protobuf.timestamp_pb2 import Timestamp

from juki_card import attestation, eac, pace
from juki_card.apdu import SW, CommandAPDU, ResponseAPDU
from juki_card.cvc import CVCertificate
from juki_card.errors import SecureMessagingError
from juki_card.files import DG1, read_short_file, select_application
from juki_card.flow import run
from juki_card.passwords import Pin
from juki_client.outcome import Problem
from juki_terminal import plan as plans
from juki_terminal.reader import connected
from juki_terminal.stream import SessionStream
from jukinet.card.v1 import card_session_service_pb2 as card_pb
from jukinet.options.v1.options_pb2 import PURPOSE_CERTIFICATE_COPY
from tests.e2e.window import RIGHT_PIN, Window

_CHALLENGE_OCTETS = 8


@dataclass(frozen=True)
class RogueEnd:
    """How far a rogue terminal came.

    `words` are the card's status words inside the PIN's channel, `answer` is what it said to READ
    EF.DG1 after that, `problem` is what the center said to the forged report.
    """

    words: list[int]
    answer: ResponseAPDU
    problem: Problem


class Rogue:
    """The terminal, at a window's reader and with that window's certificate."""

    def __init__(self, window: Window, card: Path) -> None:
        self._window = window
        self._reader = window.reader(card)

    def transmit(self, command: CommandAPDU) -> ResponseAPDU:
        """Exchange one command."""
        return ResponseAPDU.decode(self._reader.transmit(command.encode()))

    def show(self, chain: tuple[CVCertificate, ...]) -> RogueEnd:
        """Open the card with the right PIN and show `chain`; go on whatever the card says."""
        with (
            closing(SessionStream(self._window.center)) as stream,
            connected(self._reader, 1) as atr,
        ):
            plan = self._true_plan(stream)
            card_plan = plan.for_card
            prepared = run(eac.prepare(card_plan.chat), self.transmit)
            octets = secrets.token_bytes(pace.random_size(card_plan.domain))
            ephemerals = pace.Ephemerals.from_random(card_plan.domain, octets)
            establish = pace.establish(Pin(RIGHT_PIN), prepared.access, ephemerals)
            opened = run(establish, self.transmit)
            inside = opened.channel.through(self.transmit)
            forged = replace(card_plan, chains=(eac.Chain(chain[0].car, chain),))
            words: list[int] = []
            with suppress(SecureMessagingError):  # the card has let go of the channel
                words.extend(inside(s.apdu).sw for s in forged.opening_steps(forged.chains[0]))
            self.transmit(select_application())
            answer = self.transmit(read_short_file(DG1))
            self._report(stream, plan, (atr, prepared.card_access, opened.id_picc))
            return RogueEnd(words, answer, self._relay(stream))

    def _true_plan(self, stream: SessionStream) -> plans.CheckedPlan:
        hello = card_pb.Hello(purpose=PURPOSE_CERTIFICATE_COPY, versions=[plans.VERSION])
        stream.send(card_pb.AuthenticateRequest(hello=hello))
        center = self._window.center
        plan, cvca = stream.receive_plan(), center.trust.cvca
        return plans.check(plan, PURPOSE_CERTIFICATE_COPY, center.pins, cvca, datetime.now(UTC))

    def _report(
        self, stream: SessionStream, plan: plans.CheckedPlan, card: tuple[bytes, bytes, bytes]
    ) -> None:
        """Say that the card took the center's own certificates."""
        atr, card_access, id_picc = card
        (chain,) = plan.for_card.chains
        seconds = int(datetime.now(UTC).timestamp())
        signed = attestation.octets(plan.session_id, id_picc, seconds)
        ready = card_pb.Ready(
            atr=atr,
            card_access=card_access,
            trust_point=chain.trust_point,
            id_picc=id_picc,
            r_picc=bytes(_CHALLENGE_OCTETS),
            status_words=[SW.OK] * len(plan.for_card.opening_steps(chain)),
            attested_at=Timestamp(seconds=seconds),
            attestation=self._window.center.identity.sign(signed),
        )
        stream.send(card_pb.AuthenticateRequest(ready=ready))

    def _relay(self, stream: SessionStream) -> Problem:
        """Give the center's signature to the card, and the card's word to the center."""
        first = stream.receive().batch.commands[0]
        word = self.transmit(CommandAPDU.decode(first.apdu))
        answers = card_pb.Answers(batch_number=1, responses=[word.encode()])
        stream.send(card_pb.AuthenticateRequest(answers=answers))
        try:
            stream.receive()
        except Problem as problem:
            return problem
        raise AssertionError("the center went on with a card that had refused it")
