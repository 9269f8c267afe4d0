"""A terminal that does what a test says, a card in memory, and a register of one card."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, TypeVar

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec as asymmetric
from cryptography.hazmat.primitives.serialization import Encoding

from juki_card import attestation, eac, pace
from juki_card.apdu import CommandAPDU, ResponseAPDU
from juki_card.chat import CHAT
from juki_card.cvc import CVCertificate
from juki_card.ec import domain_of
from juki_card.flow import Batch, Step, run, transmit_batch
from juki_card.passwords import Can, Pin
from juki_card.secure_messaging import unwrap_answers, wrap_batch
from juki_card.transcript import Transcript
from juki_card.virtual.card import proceed, process
from juki_card.virtual.session import Session
from juki_cardbox.personalise import CardSigner, Personalisation, make_memory, serial_of
from juki_cardbox.slot import SystemChance, answer_to_reset
from juki_center.areas.audit.events import AuditEvent, DeniedAttempt
from juki_center.areas.cards.batches import Origin
from juki_center.areas.cards.numbers import CardNumber
from juki_center.areas.cards.register import Card, CardKind, CardSession, CardStatus
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.records import PersonID, ResidenceState, Whereabouts
from jukinet.card.v1 import card_session_service_pb2 as pb
from jukinet.card.v1 import card_session_service_pb2_grpc as pb_grpc
from jukinet.options.v1 import options_pb2

if TYPE_CHECKING:
    from collections.abc import Callable

    import grpc

    from juki_card.secure_messaging import ReaderChannel
    from juki_card.virtual.memory import CardMemory
    from juki_pki.credential import X509Credential
    from juki_pki.folder import PKIFolder

T = TypeVar("T")
CODE = "24727059608"
OTHER_CODE = "12345678903"
PIN = "4711"
CAN = "123456"
HOLDER = PersonID(bytes(16))
TOKOROZAWA = MunicipalityCode("112089")


@dataclass
class MemoryCard:
    """A card with power, in memory."""

    memory: CardMemory
    session: Session = field(default_factory=Session)

    @classmethod
    def personalised(cls, pki: PKIFolder, code: str = CODE) -> MemoryCard:
        """Make a card of this PKI with a fresh chip key."""
        signer = pki.card_signer()
        der = signer.certificate.public_bytes(Encoding.DER)
        wanted = Personalisation(
            pin=Pin(PIN),
            can=Can(CAN),
            trust_point=pki.trust().cvca,
            signer=CardSigner(der, signer.key),
            today=datetime.now(UTC).date(),
            resident_code=code,
        )
        return cls(make_memory(wanted, SystemChance()))

    @property
    def serial(self) -> bytes:
        return serial_of(self.memory)

    def with_chip_key_of(self, other: MemoryCard) -> MemoryCard:
        """Return a clone: this card's files, another chip key."""
        return MemoryCard(replace(self.memory, chip_key=other.memory.chip_key))

    def transmit(self, command: CommandAPDU) -> ResponseAPDU:
        turn = process(self.memory, self.session, command.encode(), SystemChance())
        while turn.answer is None:
            turn = proceed(turn.memory, turn.session)
        self.memory, self.session = turn.memory, turn.session
        return turn.answer


@dataclass
class Register:
    """A store with cards and one person, which runs acts at once."""

    card_rows: dict[bytes, Card] = field(default_factory=dict)
    sessions: list[CardSession] = field(default_factory=list)
    events: list[AuditEvent] = field(default_factory=list)
    codes: dict[str, PersonID] = field(default_factory=lambda: {CODE: HOLDER})

    async def act(self, act: Callable[[Register], T]) -> T:
        try:
            return act(self)
        except DeniedAttempt as denied:
            self.events.append(denied.event)
            raise

    def read(self, question: Callable[[Register], T]) -> T:
        return question(self)

    async def ask(self, question: Callable[[Register], T]) -> T:
        return question(self)

    @property
    def cards(self) -> Register:
        return self

    @property
    def residents(self) -> Register:
        return self

    @property
    def audit(self) -> Register:
        return self

    def append(self, event: AuditEvent) -> None:
        self.events.append(event)

    def card(self, serial: bytes) -> Card | None:
        return self.card_rows.get(serial)

    def origin(self, card: Card) -> Origin:
        return Origin(card.made_on, None)

    def add_session(self, session: CardSession) -> None:
        self.sessions.append(session)

    def by_code(self, code: ResidentCode) -> Whereabouts | None:
        person = self.codes.get(code.digits)
        return Whereabouts(person, TOKOROZAWA, ResidenceState.ACTIVE, 1) if person else None

    def enter(
        self,
        serial: bytes,
        *,
        status: CardStatus = CardStatus.ACTIVE,
        kind: CardKind = CardKind.RESIDENT,
        valid_until: date = date(2099, 1, 1),
    ) -> None:
        self.card_rows[serial] = Card(
            serial,
            HOLDER,
            kind,
            status,
            TOKOROZAWA,
            valid_until,
            number=CardNumber.drawn(serial[-8:]),
            made_on=date(2003, 8, 25),
        )


def center_plan(message: pb.Plan) -> eac.Plan:
    """Read a plan without checking it, as a relay that trusts everybody."""
    chains = tuple(
        eac.Chain(chain.trust_point, tuple(map(CVCertificate.decode, chain.certificates)))
        for chain in message.chains
    )
    return eac.Plan(
        chat=CHAT.from_value(message.chat),
        chains=chains,
        domain=domain_of(message.domain_parameter),
        ephemeral=message.ephemeral_public_key,
        auxiliary=message.auxiliary_data,
    )


@dataclass
class Window:
    """One stream of one terminal, step by step."""

    call: grpc.aio.StreamStreamCall[pb.AuthenticateRequest, pb.AuthenticateResponse]
    credential: X509Credential
    card: MemoryCard
    transcript: Transcript | None = None
    plan: pb.Plan = field(default_factory=pb.Plan)
    channel: ReaderChannel | None = None
    password: Pin | Can = field(default_factory=lambda: Pin(PIN))

    @classmethod
    def open(
        cls, channel: grpc.aio.Channel, credential: X509Credential, card: MemoryCard
    ) -> Window:
        stub = pb_grpc.CardSessionServiceStub(channel)
        return cls(stub.Authenticate(timeout=30), credential, card)

    async def send(self, **step: object) -> None:
        await self.call.write(pb.AuthenticateRequest(**step))  # type: ignore[arg-type]  # one step

    async def receive(self) -> pb.AuthenticateResponse:
        """Return the next message; where the stream has ended, raise with its status."""
        message = await self.call.read()
        if not isinstance(message, pb.AuthenticateResponse):
            await self.call
            raise EOFError("the stream ended well")  # noqa: TRY004  # the end is no type
        return message

    async def hello(
        self, purpose: int = options_pb2.PURPOSE_CERTIFICATE_COPY, act_id: bytes = b""
    ) -> pb.Plan:
        await self.send(hello=pb.Hello(purpose=purpose, versions=[1], act_id=act_id))  # type: ignore[arg-type]
        self.plan = (await self.receive()).plan
        return self.plan

    def present(self, plan: pb.Plan | None = None) -> pb.Ready:
        """Run PACE and the first half of Terminal Authentication; return the report."""
        chosen = center_plan(plan or self.plan)
        wanted = eac.prepare(chosen.chat, self.password.reference)
        prepared = run(wanted, self.card.transmit)
        octets = secrets.token_bytes(pace.random_size(chosen.domain))
        ephemerals = pace.Ephemerals.from_random(chosen.domain, octets)
        shown = run(eac.present(prepared, self.password, ephemerals, chosen), self.card.transmit)
        self.channel = shown.channel
        self.transcript = Transcript(self.plan.session_id, self.credential.certificate_sha256)
        eac.add_opening(self.transcript, chosen, shown.ready)
        return self.report(shown.ready)

    def report(self, ready: eac.Ready, *, at: int | None = None) -> pb.Ready:
        """Write and sign a report."""
        moment = int(datetime.now(UTC).timestamp()) if at is None else at
        octets = attestation.octets(self.plan.session_id, ready.id_picc, moment)
        message = pb.Ready(
            atr=answer_to_reset(),
            card_access=ready.card_access,
            trust_point=ready.trust_point,
            id_picc=ready.id_picc,
            r_picc=ready.r_picc,
            status_words=ready.status_words,
            attestation=self.credential.key.sign(octets, asymmetric.ECDSA(hashes.SHA256())),
        )
        message.attested_at.FromSeconds(moment)
        return message

    def relay(self, message: pb.Batch) -> pb.Answers:
        """Send a batch to the card and return its answers."""
        batch = Batch(tuple(_step(command) for command in message.commands))
        if message.protection == pb.Batch.PROTECTION_TERMINAL:
            assert self.channel is not None
            wrapped = transmit_batch(wrap_batch(batch, self.channel), self.card.transmit)
            answers = unwrap_answers(batch, wrapped, self.channel)
        else:
            answers = transmit_batch(batch, self.card.transmit)
        assert self.transcript is not None
        for step, answer in zip(batch.steps, answers, strict=False):
            self.transcript.add(step.apdu.encode(), answer.encode())
        responses = [answer.encode() for answer in answers]
        return pb.Answers(batch_number=message.number, responses=responses)

    async def authenticate(
        self, purpose: int = options_pb2.PURPOSE_CERTIFICATE_COPY, act_id: bytes = b""
    ) -> pb.Result:
        """Do everything as an honest terminal does."""
        await self.hello(purpose, act_id)
        await self.send(ready=self.present())
        while (said := await self.receive()).WhichOneof("step") == "batch":
            await self.send(answers=self.relay(said.batch))
        return said.result


def _step(command: pb.Command) -> Step:
    accept = frozenset(command.acceptable_status_words)
    return Step(CommandAPDU.decode(command.apdu), "relayed", accept)
