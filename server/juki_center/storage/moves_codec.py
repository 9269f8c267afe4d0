"""Papers of moves as octets: what the origin and the destination keep sealed (CBOR)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import cbor2

from juki_center.areas.moves.numbers import VerificationCode
from juki_center.areas.moves.rows import ArrivalPapers, Channel, Document, Filer, MovePapers
from juki_center.areas.residents.codes import ResidentCode

_Fields = Mapping[str, object]


def encode_move_papers(papers: MovePapers) -> bytes:
    """Encode what the origin keeps."""
    code = papers.verification_code
    fields = {
        "clerk": papers.clerk_name,
        "channel": str(papers.channel),
        "filer": str(papers.filer),
        "address": papers.destination_address,
        "document": str(papers.document),
        "code": None if code is None else code.digits,
        "printed": [one.digits for one in papers.printed_codes],
    }
    return cbor2.dumps(fields, canonical=True)


def decode_move_papers(octets: bytes) -> MovePapers:
    """Decode what `encode_move_papers` has made."""
    fields = cast("_Fields", cbor2.loads(octets))
    code = cast("str | None", fields["code"])
    return MovePapers(
        clerk_name=cast("str", fields["clerk"]),
        channel=Channel(cast("str", fields["channel"])),
        filer=Filer(cast("str", fields["filer"])),
        destination_address=cast("str", fields["address"]),
        document=Document(cast("str", fields["document"])),
        verification_code=None if code is None else VerificationCode(code),
        printed_codes=tuple(map(ResidentCode, cast("list[str]", fields["printed"]))),
    )


def encode_arrival_papers(papers: ArrivalPapers) -> bytes:
    """Encode what the destination keeps."""
    fields = {
        "clerk": papers.clerk_name,
        "agent": papers.by_agent,
        "late": papers.late_reason,
    }
    return cbor2.dumps(fields, canonical=True)


def decode_arrival_papers(octets: bytes) -> ArrivalPapers:
    """Decode what `encode_arrival_papers` has made."""
    fields = cast("_Fields", cbor2.loads(octets))
    return ArrivalPapers(
        clerk_name=cast("str", fields["clerk"]),
        by_agent=cast("bool", fields["agent"]),
        late_reason=cast("str", fields["late"]),
    )
