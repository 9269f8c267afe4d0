"""The card that a drill makes in memory, and the card sessions that it opens with it.

A session here is an honest terminal's, as short as one can be: PACE, the report, and the batches
as they come. What is checked of a plan at a window (`juki_terminal`) is not checked: the plan is
the own center's, and the card says nothing about anybody.
"""

from __future__ import annotations

import secrets
import time
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeAlias

from cryptography.hazmat.primitives.serialization import Encoding

from juki_card import attestation, eac, pace
from juki_card.apdu import CommandAPDU
from juki_card.chat import CHAT
from juki_card.cvc import CVCertificate
from juki_card.domains import domain_of
from juki_card.flow import Batch, Step, run, transmit_batch
from juki_card.passwords import Can, Pin
from juki_card.secure_messaging import unwrap_answers, wrap_batch
from juki_card.virtual.card import proceed, process
from juki_card.virtual.session import Session
from juki_cardbox.personalise import CardSigner, Personalisation, make_memory, serial_of
from juki_cardbox.slot import SystemChance, answer_to_reset
from juki_client.outcome import Problem
from juki_client.stream import Stream
from jukinet.card.v1 import card_session_service_pb2 as pb
from jukinet.card.v1 import card_session_service_pb2_grpc as pb_grpc
from jukinet.options.v1 import options_pb2

if TYPE_CHECKING:
    import grpc

    from juki_card.apdu import ResponseAPDU
    from juki_card.secure_messaging import ReaderChannel
    from juki_card.virtual.turn import Memory
    from juki_client.identity import ClientIdentity
    from juki_pki.folder import PKIFolder

Dialogue: TypeAlias = "Stream[pb.AuthenticateRequest, pb.AuthenticateResponse]"

_SECONDS: Final = 20.0
_VERSION: Final = 1


@dataclass(slots=True)
class DrillCard:
    """A card in memory, which is gone with the drill; its PIN is drawn and told to nobody."""

    serial: bytes
    memory: Memory = field(repr=False)
    pin: Pin = field(repr=False)
    session: Session = field(default_factory=Session, repr=False)

    @classmethod
    def made(cls, pki: PKIFolder) -> DrillCard:
        """Make a card with a fresh chip key, vouched for by the card signer. Raises PKIError."""
        signer, pin = pki.card_signer(), Pin(f"{secrets.randbelow(10**4):04d}")
        wanted = Personalisation(
            pin=pin,
            can=Can(f"{secrets.randbelow(10**6):06d}"),
            trust_point=pki.trust().cvca,
            signer=CardSigner(signer.certificate.public_bytes(Encoding.DER), signer.key),
            today=datetime.now(UTC).date(),
        )
        memory = make_memory(wanted, SystemChance())
        return cls(serial_of(memory), memory, pin)

    def put_in(self) -> None:
        """Put it into a reader: it has forgotten what was before."""
        self.session = Session()

    def transmit(self, command: CommandAPDU) -> ResponseAPDU:
        """Send it a command; return its answer."""
        turn = process(self.memory, self.session, command.encode(), SystemChance())
        while turn.answer is None:
            turn = proceed(turn.memory, turn.session)
        self.memory, self.session = turn.memory, turn.session
        return turn.answer


@dataclass(frozen=True, slots=True)
class DrillReader:
    """A terminal's line and keys, before which the card lies."""

    line: grpc.Channel
    identity: ClientIdentity
    card: DrillCard

    def session(self) -> str:
        """Open a session that proves the card's PIN; return the reason of its refusal, or nothing.

        A session of before may still be ending: it is waited for.
        """
        while (reason := self._session()) == "SESSION_LIMIT":
            time.sleep(0.01)
        return reason

    def _session(self) -> str:
        stub = pb_grpc.CardSessionServiceStub(self.line)
        stream: Dialogue = Stream(
            lambda steps: stub.Authenticate(steps, timeout=_SECONDS), seconds=_SECONDS
        )
        self.card.put_in()
        with closing(stream):
            try:
                self._authenticate(stream)
            except Problem as problem:
                return problem.reason
        return ""

    def _authenticate(self, stream: Dialogue) -> None:
        purpose = options_pb2.PURPOSE_PIN_PROOF
        hello = pb.Hello(purpose=purpose, versions=[_VERSION])
        stream.send(pb.AuthenticateRequest(hello=hello))
        plan = stream.receive().plan
        chosen = _plan_of(plan)
        prepared = run(eac.prepare(chosen.chat, self.card.pin.reference), self.card.transmit)
        octets = secrets.token_bytes(pace.random_size(chosen.domain))
        ephemerals = pace.Ephemerals.from_random(chosen.domain, octets)
        opened = run(eac.present(prepared, self.card.pin, ephemerals, chosen), self.card.transmit)
        with closing(opened.channel):
            ready = self._report(plan.session_id, opened.ready)
            stream.send(pb.AuthenticateRequest(ready=ready))
            while (said := stream.receive()).WhichOneof("step") == "batch":
                answers = self._relayed(said.batch, opened.channel)
                stream.send(pb.AuthenticateRequest(answers=answers))
        stream.finish()

    def _report(self, session_id: bytes, ready: eac.Ready) -> pb.Ready:
        moment = int(datetime.now(UTC).timestamp())
        report = pb.Ready(
            atr=answer_to_reset(),
            card_access=ready.card_access,
            trust_point=ready.trust_point,
            id_picc=ready.id_picc,
            r_picc=ready.r_picc,
            status_words=ready.status_words,
            attestation=self.identity.sign(attestation.octets(session_id, ready.id_picc, moment)),
        )
        report.attested_at.FromSeconds(moment)
        return report

    def _relayed(self, batch: pb.Batch, channel: ReaderChannel) -> pb.Answers:
        plain = Batch(tuple(_step(command) for command in batch.commands))
        if batch.protection == pb.Batch.PROTECTION_TERMINAL:
            wrapped = transmit_batch(wrap_batch(plain, channel), self.card.transmit)
            answers = unwrap_answers(plain, wrapped, channel)
        else:
            answers = transmit_batch(plain, self.card.transmit)
        responses = [answer.encode() for answer in answers]
        return pb.Answers(batch_number=batch.number, responses=responses)


def _plan_of(plan: pb.Plan) -> eac.Plan:
    chains = tuple(
        eac.Chain(chain.trust_point, tuple(map(CVCertificate.decode, chain.certificates)))
        for chain in plan.chains
    )
    return eac.Plan(
        chat=CHAT.from_value(plan.chat),
        chains=chains,
        domain=domain_of(plan.domain_parameter),
        ephemeral=plan.ephemeral_public_key,
        auxiliary=plan.auxiliary_data,
    )


def _step(command: pb.Command) -> Step:
    accepted = frozenset(command.acceptable_status_words)
    return Step(CommandAPDU.decode(command.apdu), "relayed", accepted)
