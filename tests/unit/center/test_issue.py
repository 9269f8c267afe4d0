"""Issuing a copy: what is on it, to whom it is given, and what is refused with which reason."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import cbor2
import pytest

from juki_center.areas.audit.events import DeniedAttempt
from juki_center.areas.cards import sessions
from juki_center.areas.cards.register import CardSession, Purpose
from juki_center.areas.cards.rules import CardEvent
from juki_center.areas.cards.states import ChangeStatus, change_status
from juki_center.areas.clerks.rows import Right
from juki_center.areas.copies import applicants
from juki_center.areas.copies.commands import (
    CardProof,
    DocumentKind,
    IssueCopy,
    IssuedCopy,
    Item,
    PhotoProof,
    Scope,
    Subject,
)
from juki_center.areas.copies.issue import issue_copy
from juki_center.areas.evidence import PHOTO_KINDS
from juki_center.areas.ports import Tx
from juki_center.areas.residents.civil_date_texts import parse_date
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode, resident_check_digit
from juki_center.areas.residents.records import Hold
from juki_center.errors import Reason, Refusal
from tests.support.center import (
    CHIYODA,
    CHIYODA_2,
    NOW,
    SAMPLES,
    TOKOROZAWA,
    Center,
    make_policy,
    serial_of,
    subject,
)
from tests.support.clerks import enter_clerk, put_signed_in
from tests.support.leaves import leaves

SALT = bytes(range(16))


def document(center: Center, copy: IssuedCopy) -> dict[str, Any]:
    """Return what a signed copy says, its signature and digest verified."""
    payload = cbor2.loads(center.trust.verify(copy.signed_content).payload)
    found: dict[str, Any] = payload["doc"]
    assert payload["sha"] == hashlib.sha256(cbor2.dumps(found, canonical=True)).digest()
    return found


async def refused(center: Center, command: IssueCopy, **options: Any) -> DeniedAttempt:
    """Return the refusal of a command; the log shows it, and nothing else has changed."""
    before = leaves(center.store)

    with pytest.raises(DeniedAttempt) as caught:
        await center.issue(command, **options)

    assert [leaf["ev"] for leaf in leaves(center.store)[len(before) :]] == ["COPY_REFUSED"]
    assert center.found(command) is None
    assert not await _is_used(center, command)
    return caught.value


async def _is_used(center: Center, command: IssueCopy) -> bool:
    if not isinstance(command.proof, CardProof):
        return False
    session_id = command.proof.session_id
    session = center.store.read(lambda tx: tx.cards.session(session_id))
    return session is not None and session.is_used and session.usable_until >= NOW


def photo(key: str = "yoshida-taro", **changes: Any) -> PhotoProof:
    """Return a driving licence that shows what the register holds of a sample."""
    record, municipality = SAMPLES[key].record, SAMPLES[key].municipality
    proof = PhotoProof(
        kind=DocumentKind.DRIVING_LICENCE,
        number_hash=hashlib.sha256(SALT + b"licence").digest(),
        name=record.name,
        birth_date=record.birth,
        address=record.address,
        municipality=municipality,
        clerk_name="窓口 花子",
        number_salt=SALT,
    )
    return replace(proof, **changes)


def by_photo(proof: PhotoProof, **changes: Any) -> IssueCopy:
    """Return a request by photo identification at the window in Chiyoda."""
    command = IssueCopy(CHIYODA, uuid.uuid4(), proof, Scope.SELF, 300)
    return replace(command, **changes)


async def test_content_by_photo_is_shown_again_to_a_signed_in_clerk_alone(center: Center) -> None:
    command = by_photo(photo())
    copy = await center.issue(command)

    with pytest.raises(Refusal) as caught:
        center.found(command)
    clerk = await center.store.act(lambda tx: enter_clerk(tx, "131016", NOW))
    await center.store.act(lambda tx: put_signed_in(tx, clerk, CHIYODA.uri, NOW))
    found = center.found(command)

    assert caught.value.reason is Reason.CLERK_SIGN_IN_REQUIRED
    assert found == copy


async def test_content_by_photo_is_not_shown_to_a_clerk_without_the_right(center: Center) -> None:
    command = by_photo(photo())
    await center.issue(command)
    clerk = await center.store.act(lambda tx: enter_clerk(tx, "131016", NOW, rights=(Right.MOVES,)))
    await center.store.act(lambda tx: put_signed_in(tx, clerk, CHIYODA.uri, NOW))

    with pytest.raises(Refusal) as caught:
        center.found(command)

    assert caught.value.reason is Reason.CLERK_RIGHT_MISSING


async def test_case_09_a_resident_gets_a_copy_elsewhere_with_the_usual_entries(
    center: Center,
) -> None:
    command = await center.command("yoshida-taro")
    session = center.store.read(lambda tx: tx.cards.session(command.proof.session_id))  # type: ignore[union-attr]  # by card

    copy = await center.issue(command)

    found = document(center, copy)
    assert copy.issue.issue_number.startswith("131016-20261123-000001-")
    assert (found["iss"], found["issn"]) == ("131016", "東京都千代田区")
    assert (found["res"], found["resn"]) == ("112089", "埼玉県所沢市")
    assert (found["by"], found["ev"]) == ("card", session and session.transcript_hash)
    assert (found["req"], found["no"]) == (command.request_id.bytes, copy.issue.issue_number)
    assert (found["v"], found["at"]) == (1, int(NOW.timestamp()))
    assert (found["scope"], found["items"]) == ("self", [])
    assert found["per"] == [
        {
            "name": "𠮷田\u3000太郎",
            "kana": "ヨシダ\u3000タロウ",
            "birth": "昭和45年3月2日",
            "sex": "男",
            "addr": "埼玉県所沢市並木三丁目2番地1\u3000所沢パークタウン5号棟302号室",
            "since": "平成7年4月1日",
            "notif": "平成7年4月5日",
            "prev": "東京都練馬区石神井町五丁目11番3号",
        }
    ]


async def test_case_09_the_log_shows_it_to_both_municipalities(center: Center) -> None:
    copy = await center.issue(await center.command("yoshida-taro"))

    leaf = leaves(center.store)[-1]

    assert (leaf["ev"], leaf["out"], leaf["id"]) == ("COPY_ISSUED", "DONE", copy.issue.issue_number)
    assert (leaf["iss"], leaf["res"], leaf["by"]) == ("131016", "112089", CHIYODA.uri)
    assert [len(token) for token in leaf["who"]] == [32]  # type: ignore[attr-defined]  # CBOR


async def test_case_10_relationship_and_code_are_on_it_when_asked_for(center: Center) -> None:
    items = (Item.RELATIONSHIP, Item.RESIDENT_CODE)

    copy = await center.issue(
        await center.command("yoshida-hanako", items=items, scope=Scope.HOUSEHOLD)
    )

    found = document(center, copy)
    assert found["items"] == ["relationship", "code"]
    assert [person["rel"] for person in found["per"]] == ["世帯主", "妻", "子"]
    assert {person["head"] for person in found["per"]} == {"𠮷田\u3000太郎"}
    assert found["per"][0]["code"] == SAMPLES["yoshida-taro"].record.code.digits


async def test_case_10_the_registered_domicile_is_refused_before_any_register_is_read(
    center: Center,
) -> None:
    command = await center.command("yoshida-taro", items=(Item.REGISTERED_DOMICILE,))
    # With the register closed, whatever reads it would be refused with another reason.
    await disconnect(center, "112089")

    refusal = await refused(center, command)

    assert refusal.reason is Reason.ITEM_NOT_PERMITTED
    assert refusal.metadata == {"item": "REGISTERED_DOMICILE"}


@pytest.mark.parametrize("key", sorted(SAMPLES))
async def test_no_copy_ever_holds_domicile_or_an_unasked_code(center: Center, key: str) -> None:
    sample = SAMPLES[key]
    terminal = TOKOROZAWA if sample.municipality == CHIYODA.municipality else CHIYODA
    command = await center.command(key, terminal=terminal, scope=Scope.HOUSEHOLD)
    if sample.state != "ACTIVE" or sample.record.measure or key == "sasaki-setsuko":
        await refused(center, command)
        return

    copy = await center.issue(command)

    for text in (sample.record.code.digits, sample.record.registered_domicile):
        assert not text or text.encode() not in copy.signed_content


async def test_case_11_a_driving_licence_that_fits_gets_a_copy(center: Center) -> None:
    command = by_photo(photo())

    copy = await center.issue(command)

    found = document(center, copy)
    evidence = hashlib.sha256(
        b"juki-photo-evidence-1\0\x01" + photo().number_hash + command.request_id.bytes
    )
    assert (found["by"], found["ev"]) == ("photo", evidence.digest())
    more = leaves(center.store)[-1]["more"]
    assert "clerk" not in more  # type: ignore[operator]  # CBOR
    note = center.store.read(lambda tx: tx.issues.counter_note(copy.issue.issue_number))
    assert cbor2.loads(note)["clerk"] == "窓口 花子"


def test_one_document_in_two_requests_leaves_evidence_that_shows_no_number() -> None:
    request_id, number = uuid.uuid4(), b"licence"
    salts = (SALT, bytes(reversed(SALT)))
    proofs = [
        photo(number_hash=hashlib.sha256(salt + number).digest(), number_salt=salt)
        for salt in salts
    ]

    first, second = (applicants.photo_evidence(proof, request_id) for proof in proofs)

    bare = hashlib.sha256(number).digest()
    guess = hashlib.sha256(b"juki-photo-evidence-1\0\x01" + bare + request_id.bytes).digest()
    assert len({first, second, guess}) == 3


async def test_salt_of_a_number_is_sealed_for_an_auditor_and_nowhere_else(
    center: Center,
) -> None:
    copy = await center.issue(by_photo(photo()))

    note = center.store.read(lambda tx: tx.issues.counter_note(copy.issue.issue_number))
    sealed = cbor2.loads(note)
    assert hashlib.sha256(sealed["number_salt"] + b"licence").digest() == sealed["number_hash"]
    assert SALT not in copy.signed_content
    assert SALT not in cbor2.dumps(leaves(center.store))


async def test_same_request_with_another_salt_is_refused(center: Center) -> None:
    command = by_photo(photo())
    await center.issue(command)

    with pytest.raises(Refusal) as caught:
        await center.issue(replace(command, proof=photo(number_salt=bytes(16))))

    assert caught.value.reason is Reason.REQUEST_ID_REUSED


@pytest.mark.parametrize(
    "kind",
    [DocumentKind.HEALTH_INSURANCE_CARD, DocumentKind.PENSION_BOOK, DocumentKind.PRIVATE_BODY],
)
async def test_case_11_a_document_without_a_public_photo_is_refused(
    center: Center, kind: DocumentKind
) -> None:
    refusal = await refused(center, by_photo(photo(kind=kind)))

    assert refusal.reason is Reason.ID_KIND_NOT_ACCEPTED
    assert refusal.metadata == {"kind": kind}


@pytest.mark.parametrize("kind", sorted(PHOTO_KINDS))
async def test_case_11_every_public_photo_document_is_accepted(
    center: Center, kind: DocumentKind
) -> None:
    copy = await center.issue(by_photo(photo(kind=kind)))

    assert copy.signed_content


@pytest.mark.parametrize(
    "changes",
    [
        {"address": "埼玉県所沢市並木三丁目2番地2"},
        {"name": "𠮷田\u3000次郎"},
        {"birth_date": parse_date("昭和45年3月3日")},
        {"municipality": MunicipalityCode("131121")},
        {"municipality": MunicipalityCode("472018")},
    ],
)
async def test_case_12_a_document_that_differs_is_a_mismatch_and_shows_nothing(
    center: Center, changes: dict[str, object]
) -> None:
    refusal = await refused(center, by_photo(photo(**changes)))

    assert refusal.reason is Reason.ID_MISMATCH
    assert refusal.metadata == {}


async def test_spellings_of_a_document_are_folded(center: Center) -> None:
    proof = photo(
        name="吉田 太郎", address="所沢市並木3-2-1", birth_date=parse_date("1970年3月2日")
    )

    copy = await center.issue(by_photo(proof))

    assert document(center, copy)["per"][0]["name"] == "𠮷田\u3000太郎"


async def test_a_foreign_resident_is_found_by_the_alias(center: Center) -> None:
    copy = await center.issue(by_photo(photo("wang-xiaoming", name="田中 小明")))

    found = document(center, copy)["per"][0]
    assert (found["name"], found["birth"]) == ("WANG\u3000XIAOMING", "1975年10月1日")
    assert found["alias"] == SAMPLES["wang-xiaoming"].record.alias


async def test_one_of_two_people_with_one_key_is_told_by_the_exact_name(center: Center) -> None:
    await _add_namesake(center, name="吉田\u3000太郎")

    exact = await center.issue(by_photo(photo()))

    assert document(center, exact)["per"][0]["name"] == "𠮷田\u3000太郎"


async def test_two_people_who_fit_are_ambiguous(center: Center) -> None:
    await _add_namesake(center, name=SAMPLES["yoshida-taro"].record.name)

    refusal = await refused(center, by_photo(photo()))

    assert refusal.reason is Reason.AMBIGUOUS
    assert refusal.metadata == {"count": "2"}


async def _add_namesake(center: Center, *, name: str) -> None:
    sample = SAMPLES["yoshida-taro"]
    record = replace(sample.record, code=type(sample.record.code)("24727059608"), name=name)
    await center.store.act(
        lambda tx: tx.residents.enter(sample.municipality, tx.residents.new_household(), record)
    )


async def test_photo_identification_can_be_switched_off(center: Center) -> None:
    center.policy = make_policy(center.policy.signer, photo_id=False)

    refusal = await refused(center, by_photo(photo()))

    assert refusal.reason is Reason.PHOTO_ID_DISABLED


@pytest.mark.parametrize("clerk", ["", "  ", "\u3000"])
async def test_photo_identification_needs_the_clerks_name(center: Center, clerk: str) -> None:
    refusal = await refused(center, by_photo(photo(clerk_name=clerk)))

    assert refusal.reason is Reason.CLERK_NAME_REQUIRED


async def disconnect(center: Center, code: str) -> None:
    """Cut a municipality off."""
    await center.store.act(
        lambda tx: tx.registers.set_connected(MunicipalityCode(code), connected=False)
    )


@pytest.mark.parametrize("way", ["card", "photo", "photo of nobody"])
async def test_case_19_a_disconnected_residence_is_said_at_once(center: Center, way: str) -> None:
    commands = {
        "card": await center.command("yoshida-taro"),
        "photo": by_photo(photo()),
        "photo of nobody": by_photo(photo(name="山田 無")),
    }
    await disconnect(center, "112089")

    refusal = await refused(center, commands[way])

    assert refusal.reason is Reason.RESIDENCE_DISCONNECTED


@pytest.mark.parametrize("scope", Scope)
async def test_case_15_a_protected_resident_gets_the_neutral_refusal_and_the_log_the_truth(
    center: Center, scope: Scope
) -> None:
    subjects = (subject("sasaki-megumi"),) if scope is Scope.LISTED else ()
    command = await center.command("sasaki-megumi", scope=scope, subjects=subjects)

    refusal = await refused(center, command)

    assert refusal.reason is Reason.ISSUE_SUPPRESSED
    assert refusal.metadata == {}
    assert leaves(center.store)[-1]["out"] == "PROTECTIVE_MEASURE"


async def test_case_15_other_holds_read_the_same(center: Center) -> None:
    await hold(center, "takahashi-ichiro", Hold.UNDER_CORRECTION)
    protected = await refused(center, await center.command("sasaki-megumi"))

    under_correction = await refused(center, await center.command("takahashi-ichiro"))

    assert (protected.reason, protected.metadata, str(protected)) == (
        under_correction.reason,
        under_correction.metadata,
        str(under_correction),
    )
    assert leaves(center.store)[-1]["out"] == "UNDER_CORRECTION"


async def hold(center: Center, key: str, cause: Hold | None) -> None:
    """Set or lift what holds a resident's record back."""
    code = SAMPLES[key].record.code

    def change(tx: Any) -> None:
        resident = tx.residents.resident(tx.residents.by_code(code).person)
        tx.residents.replace(replace(resident, record=replace(resident.record, hold=cause)))

    await center.store.act(change)


async def test_case_15_by_photo_too_and_even_at_home(center: Center) -> None:
    by_licence = await refused(center, by_photo(photo("sasaki-megumi")))

    at_home = await refused(center, by_photo(photo("sasaki-megumi"), terminal=TOKOROZAWA))

    assert by_licence.reason is at_home.reason is Reason.ISSUE_SUPPRESSED


async def test_case_16_a_household_with_one_protected_member_is_refused_whole(
    center: Center,
) -> None:
    command = await center.command("sasaki-setsuko", scope=Scope.HOUSEHOLD)

    refusal = await refused(center, command)

    assert refusal.reason is Reason.ISSUE_SUPPRESSED
    assert leaves(center.store)[-1]["out"] == "PROTECTIVE_MEASURE"


async def test_case_16_naming_the_protected_member_is_refused_too(center: Center) -> None:
    subjects = (subject("sasaki-setsuko"), subject("sasaki-megumi"))
    command = await center.command("sasaki-setsuko", scope=Scope.LISTED, subjects=subjects)

    refusal = await refused(center, command)

    assert refusal.reason is Reason.ISSUE_SUPPRESSED


async def test_the_other_member_gets_their_own_copy(center: Center) -> None:
    copy = await center.issue(await center.command("sasaki-setsuko"))

    assert [person["name"] for person in document(center, copy)["per"]] == ["佐々木\u3000節子"]


async def test_case_18_somebody_of_another_household_is_refused(center: Center) -> None:
    subjects = (subject("yoshida-taro"), subject("takahashi-ichiro"))
    command = await center.command("yoshida-taro", scope=Scope.LISTED, subjects=subjects)

    refusal = await refused(center, command)

    assert refusal.reason is Reason.NOT_SAME_HOUSEHOLD


@pytest.mark.parametrize("key", ["kobayashi-minoru", "ito-kiyoshi"])
async def test_case_18_a_moved_or_deceased_applicant_has_no_copy(center: Center, key: str) -> None:
    refusal = await refused(center, await center.command(key))

    assert refusal.reason is Reason.RECORD_DELETED


@pytest.mark.parametrize(
    ("applicant", "gone"),
    [("kobayashi-naomi", "kobayashi-minoru"), ("ito-yoshi", "ito-kiyoshi")],
)
async def test_case_18_a_moved_or_deceased_member_has_no_copy(
    center: Center, applicant: str, gone: str
) -> None:
    command = await center.command(applicant, scope=Scope.LISTED, subjects=(subject(gone),))

    refusal = await refused(center, command)

    assert refusal.reason is Reason.RECORD_DELETED


async def test_a_copy_that_no_terminal_would_take_is_not_issued(center: Center) -> None:
    await _crowd(center, members=40)
    command = await center.command("yoshida-taro", scope=Scope.HOUSEHOLD)

    refusal = await refused(center, command)

    assert refusal.reason is Reason.MESSAGE_TOO_LARGE
    assert refusal.metadata == {"limitBytes": "49152"}
    assert await center.issue(replace(command, scope=Scope.SELF))


async def _crowd(center: Center, *, members: int) -> None:
    """Let so many persons with the longest of addresses live in a household."""
    sample = SAMPLES["yoshida-taro"]
    longest = replace(sample.record, building="棟" * 200, previous_address="町" * 200)

    def act(tx: Tx) -> None:
        holder = tx.residents.by_code(sample.record.code)
        assert holder is not None
        household = tx.residents.resident(holder.person).household
        for number in range(members):
            body = f"{number + 1:010}"
            code = ResidentCode(body + resident_check_digit(body))
            tx.residents.enter(sample.municipality, household, replace(longest, code=code))

    await center.store.act(act)


async def test_a_household_leaves_out_who_has_gone(center: Center) -> None:
    command = await center.command(
        "kobayashi-naomi", scope=Scope.HOUSEHOLD, items=(Item.RELATIONSHIP,)
    )

    copy = await center.issue(command)

    persons = document(center, copy)["per"]
    assert [(person["name"], person["head"]) for person in persons] == [
        ("小林\u3000直美", "小林\u3000直美")
    ]


async def test_listed_members_are_on_one_paper_in_its_order_and_once(center: Center) -> None:
    subjects = (
        Subject("吉田 さくら", parse_date("平成12年2月29日")),
        subject("yoshida-taro"),
        subject("yoshida-sakura"),
    )
    command = await center.command("yoshida-hanako", scope=Scope.LISTED, subjects=subjects)

    copy = await center.issue(command)

    names = [person["name"] for person in document(center, copy)["per"]]
    assert names == ["𠮷田\u3000太郎", "𠮷田\u3000さくら"]


async def test_twins_whose_names_differ_by_a_mark_are_told_apart(center: Center) -> None:
    command = await center.command(
        "sato-kazu", scope=Scope.LISTED, subjects=(subject("sato-kasu"),)
    )

    copy = await center.issue(command)

    assert document(center, copy)["per"][0]["name"] == "佐藤\u3000かす"


async def test_case_21_at_home_the_ordinary_counter_is_named(center: Center) -> None:
    refusal = await refused(center, await center.command("yoshida-taro", terminal=TOKOROZAWA))

    assert refusal.reason is Reason.USE_LOCAL_COUNTER


async def test_case_21_a_ward_office_is_at_home_for_its_whole_city(center: Center) -> None:
    ward = replace(
        CHIYODA,
        uri="juki://municipality/141046/terminal/01",
        municipality=MunicipalityCode("141046"),
    )

    refusal = await refused(center, await center.command("watanabe-aoi", terminal=ward))

    assert refusal.reason is Reason.USE_LOCAL_COUNTER


async def test_a_terminal_of_no_municipality_is_nobody(center: Center) -> None:
    office = replace(CHIYODA, municipality=MunicipalityCode("471992"))
    command = replace(await center.command("yoshida-taro"), terminal=office)

    with pytest.raises(Refusal) as caught:
        await center.issue(command)

    assert caught.value.reason is Reason.UNAUTHENTICATED


async def test_a_session_that_never_was_is_not_found(center: Center) -> None:
    command = replace(await center.command("yoshida-taro"), proof=CardProof(bytes(16)))

    assert (await refused(center, command)).reason is Reason.SESSION_NOT_FOUND


async def another_terminals_session(center: Center) -> Reason | None:
    """Try to use a session at another terminal of the same office."""
    command = replace(await center.command("yoshida-taro"), terminal=CHIYODA_2)
    return await _reason(center, command)


async def a_session_twice(center: Center) -> Reason | None:
    """Try to use a session for two requests."""
    command = await center.command("yoshida-taro")
    await center.issue(command)
    return await _reason(center, replace(command, request_id=uuid.uuid4()))


async def a_session_too_late(center: Center) -> Reason | None:
    """Try to use a session one microsecond after its time."""
    command = await center.command("yoshida-taro")
    return await _reason(center, command, now=NOW + timedelta(seconds=300, microseconds=1))


class OtherPurpose:
    """A transaction, or its cards, in which every session was opened for another purpose."""

    PURPOSE = Purpose.PIN_PROOF

    def __init__(self, part: Any) -> None:
        self._part = part

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._part, name)
        return OtherPurpose(found) if name == "cards" else found

    def session(self, session_id: bytes) -> CardSession:
        """Return the session as one for the other purpose."""
        return replace(self._part.session(session_id), purpose=self.PURPOSE)


async def a_session_for_something_else(center: Center) -> Reason | None:
    """Try to use a session that the holder's card was read for, but to another end."""
    command = await center.command("yoshida-taro")
    try:
        await center.store.act(
            lambda tx: issue_copy(OtherPurpose(tx), command, center.now, center.policy)  # type: ignore[arg-type]  # looks like one
        )
    except Refusal as refusal:
        return refusal.reason
    return None


async def _reason(center: Center, command: IssueCopy, **options: Any) -> Reason | None:
    try:
        await center.issue(command, **options)
    except Refusal as refusal:
        return refusal.reason
    return None


BINDINGS = [
    (another_terminals_session, sessions.refuse_of_another_terminal, Reason.SESSION_NOT_FOUND),
    (
        a_session_for_something_else,
        sessions.refuse_for_another_purpose,
        Reason.SESSION_NOT_FOUND,
    ),
    (a_session_twice, sessions.refuse_used, Reason.SESSION_USED),
    (a_session_too_late, sessions.refuse_late, Reason.SESSION_EXPIRED),
]


@pytest.mark.parametrize(("attempt", "guard", "reason"), BINDINGS)
async def test_an_act_is_bound_to_its_session(
    center: Center, attempt: Any, guard: sessions.SessionGuard, reason: Reason
) -> None:
    assert guard in sessions.SESSION_GUARDS

    assert await attempt(center) is reason


@pytest.mark.parametrize(("attempt", "guard", "reason"), BINDINGS)
async def test_a_center_without_the_binding_is_caught(
    center: Center,
    monkeypatch: pytest.MonkeyPatch,
    attempt: Any,
    guard: sessions.SessionGuard,
    reason: Reason,
) -> None:
    left = tuple(one for one in sessions.SESSION_GUARDS if one is not guard)
    monkeypatch.setattr(sessions, "SESSION_GUARDS", left)

    assert await attempt(center) is not reason


async def test_a_session_is_good_until_its_last_moment(center: Center) -> None:
    command = await center.command("yoshida-taro")

    assert await center.issue(command, now=NOW + timedelta(seconds=300))


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (CardEvent.REPORTED_LOST, Reason.CARD_SUSPENDED),
        (CardEvent.REVOKED, Reason.CARD_REVOKED),
        (CardEvent.HOLDER_GONE, Reason.CARD_REVOKED),
    ],
)
async def test_case_14_a_card_that_was_stopped_after_the_session_gets_no_copy(
    center: Center, event: CardEvent, reason: Reason
) -> None:
    command = await center.command("yoshida-taro")
    change = ChangeStatus("juki://operator/1", serial_of("yoshida-taro"), event)
    await center.store.act(lambda tx: change_status(tx, change, NOW))

    assert (await refused(center, command)).reason is reason


async def test_a_refused_request_may_be_sent_again_after_its_cause_has_gone(
    center: Center,
) -> None:
    command = await center.command("takahashi-ichiro")
    await hold(center, "takahashi-ichiro", Hold.UNDER_CORRECTION)
    await refused(center, command)
    await hold(center, "takahashi-ichiro", None)

    copy = await center.issue(command)

    assert copy.issue.issue_number


async def test_the_same_request_twice_gives_one_answer(center: Center) -> None:
    command = await center.command("yoshida-taro")

    first = await center.issue(command)
    log = leaves(center.store)
    second = await center.issue(command, now=NOW + timedelta(hours=23, minutes=59))

    assert second == first
    assert leaves(center.store) == log


@pytest.mark.parametrize(
    "changes",
    [{"fee_yen": 301}, {"scope": Scope.HOUSEHOLD}, {"items": (Item.RELATIONSHIP,)}],
)
async def test_the_same_id_with_other_content_is_refused(
    center: Center, changes: dict[str, Any]
) -> None:
    command = await center.command("yoshida-taro")
    await center.issue(command)

    with pytest.raises(Refusal) as caught:
        await center.issue(replace(command, **changes))

    assert caught.value.reason is Reason.REQUEST_ID_REUSED


async def test_after_24_hours_the_id_still_stands_but_not_its_answer(center: Center) -> None:
    command = await center.command("yoshida-taro")
    copy = await center.issue(command)

    with pytest.raises(Refusal) as caught:
        await center.issue(command, now=NOW + timedelta(hours=24, microseconds=1))

    assert caught.value.reason is Reason.ANSWER_EXPIRED
    assert caught.value.metadata == {"resource": copy.issue.issue_number}


async def test_two_terminals_may_draw_the_same_id(center: Center) -> None:
    first = await center.command("yoshida-taro")
    second = await center.command("yoshida-hanako", terminal=CHIYODA_2)

    one = await center.issue(first)
    other = await center.issue(replace(second, request_id=first.request_id))

    assert one.issue.issue_number != other.issue.issue_number


async def test_serials_count_per_office_and_day_of_japan(center: Center) -> None:
    late = NOW.replace(hour=14, minute=59, second=59)
    numbers = []
    for moment in (late, late + timedelta(seconds=1), late + timedelta(seconds=1)):
        center.now = moment
        numbers.append(
            (await center.issue(await center.command("yoshida-taro"))).issue.issue_number
        )

    assert [number[:22] for number in numbers] == [
        "131016-20261123-000001",
        "131016-20261124-000001",
        "131016-20261124-000002",
    ]


async def test_an_office_whose_register_is_elsewhere_issues_too(center: Center) -> None:
    naha = replace(
        CHIYODA,
        uri="juki://municipality/472018/terminal/01",
        municipality=MunicipalityCode("472018"),
    )

    copy = await center.issue(by_photo(photo(), terminal=naha))

    assert document(center, copy)["issn"] == "沖縄県那覇市"
