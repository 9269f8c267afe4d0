"""A stock tool, buf, speaks with a whole center: by reflection, by the protos, and in error."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import shlex
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import pytest
import pytest_asyncio

from juki_center.areas.days import day_in_japan
from juki_center.cli import dev, dev_texts
from juki_pki import make
from juki_pki.folder import PKIFolder
from juki_pki.identity import PeerIdentity, Role
from juki_pki.profile import Profiles
from jukinet.error.v1 import error_reason_pb2
from jukinet.options.v1 import options_pb2
from tests.support.clerks import sign_in_everywhere
from tests.support.stock_curl import PROTOS, StockCurl, Told

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]
COPIES = "jukinet.copies.v1.CertificateCopyService"
SESSIONS = "jukinet.card.v1.CardSessionService"
ISSUE, CONFIRM, GET = (f"{COPIES}/{name}" for name in ("IssueCopy", "ConfirmPrint", "GetIssue"))
LIST, VERIFY, RECALL = (f"{COPIES}/{name}" for name in ("ListIssues", "VerifyCopy", "RecallCopy"))
MOVES = "jukinet.moves.v1.MoveService"
FILE, WITHDRAW = f"{MOVES}/FileMoveOut", f"{MOVES}/CancelMoveOut"
AUTHENTICATE = f"{SESSIONS}/Authenticate"
TERMINAL = "terminal/131016-01"
OPERATOR = "operator/operator-1"
AGENCY = "agency/passport-1"
REQUEST_ID = "6f3a2c9e-0d7b-4f57-9a3e-1c2d3e4f5a6b"
NOBODYS_NUMBER = "131016-20261123-000042-7K3Q"
LIMIT_BYTES = 64 * 1024

Data: TypeAlias = dict[str, object]


def octets(size: int) -> str:
    """Write so many zero bytes as JSON does."""
    return base64.b64encode(bytes(size)).decode()


def curl_of(center: dev.DevCenter) -> StockCurl:
    pki = center.folder.pki.path
    return StockCurl(center.address, pki, pki / "trust" / "root.pem")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def curl(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[StockCurl]:
    """A tool that knows the way to a development center."""
    options = dev.DevOptions(tmp_path_factory.mktemp("dev"), port=0, http_port=0)
    async with dev.running(options) as center:
        await asyncio.to_thread(sign_in_everywhere, center.folder.path)
        yield curl_of(center)


def require_well_formed(told: Told, reason: str, metadata: dict[str, str]) -> None:
    """Require what error_reason.proto promises of this reason."""
    value = error_reason_pb2.ErrorReason.DESCRIPTOR.values_by_name[f"ERROR_REASON_{reason}"]
    code = value.GetOptions().Extensions[options_pb2.reason].code
    name = options_pb2.StatusCode.Name(code).removeprefix("STATUS_CODE_").lower()
    assert (told.info.domain, told.info.reason) == ("center.jukinet", reason)
    assert told.metadata == metadata
    assert told.code == name
    assert told.message


BY_CARD: Data = {
    "requestId": REQUEST_ID,
    "cardSessionId": octets(16),
    "scope": "SCOPE_SELF",
    "feeYen": 300,
}
LICENCE: Data = {
    "kind": "KIND_DRIVING_LICENCE",
    "numberHash": octets(32),
    "name": "𠮷田　太郎",
    "birthDate": {
        "calendar": "CALENDAR_ERA",
        "era": "ERA_SHOWA",
        "year": 45,
        "month": 3,
        "day": 2,
        "precision": "PRECISION_DAY",
    },
    "address": "埼玉県所沢市並木三丁目2番地1",
    "municipality": "112089",
    "clerkName": "窓口　花",
    "numberSalt": octets(16),
}
SUBJECT: Data = {"name": LICENCE["name"], "birthDate": LICENCE["birthDate"]}
REPORT: Data = {
    "requestId": REQUEST_ID,
    "issueNumber": NOBODYS_NUMBER,
    "printState": "PRINT_STATE_PRINTED",
    "attempt": 1,
}


def by_photo(**changes: object) -> Data:
    """Ask for a copy with a driving licence that is good but for these changes."""
    usual = {key: value for key, value in BY_CARD.items() if key != "cardSessionId"}
    return usual | {"photoIdentification": LICENCE | changes}


@dataclass(frozen=True)
class Bad:
    """An input that is refused, and what is said of it."""

    name: str
    method: str
    data: Data
    reason: str
    metadata: dict[str, str] = field(default_factory=dict)
    peer: str = TERMINAL


def invalid(name: str, method: str, data: Data, field_name: str, rule: str) -> Bad:
    """An input of which one field breaks its rule."""
    return Bad(name, method, data, "FIELD_INVALID", {"field": field_name, "rule": rule})


def issue(name: str, changes: Data, field_name: str, rule: str) -> Bad:
    """A request by card of which one field breaks its rule."""
    return invalid(name, ISSUE, BY_CARD | changes, field_name, rule)


def photo(case: str, field_name: str, rule: str, /, **changes: object) -> Bad:
    """A request by photo document of which one field breaks its rule."""
    path = f"photo_identification.{field_name}"
    return invalid(case, ISSUE, by_photo(**changes), path, rule)


NO_PROOF = {key: value for key, value in BY_CARD.items() if key != "cardSessionId"}
UUID_V1 = "5a2a1c4e-c8f0-11f0-8de9-0242ac120002"
BAD_FIELDS = (
    issue("no-uuid", {"requestId": "x"}, "request_id", "UUID_V4"),
    issue("uuid-of-version-1", {"requestId": UUID_V1}, "request_id", "UUID_V4"),
    issue("uuid-in-capitals", {"requestId": REQUEST_ID.upper()}, "request_id", "UUID_V4"),
    invalid("no-proof", ISSUE, NO_PROOF, "proof", "REQUIRED"),
    issue("session-id-too-short", {"cardSessionId": octets(15)}, "card_session_id", "BYTES_16"),
    issue("session-id-too-long", {"cardSessionId": octets(17)}, "card_session_id", "BYTES_16"),
    issue("unknown-scope", {"scope": 9}, "scope", "UNKNOWN_VALUE"),
    issue("no-scope", {"scope": 0}, "scope", "REQUIRED"),
    issue("fee-too-large", {"feeYen": 10_001}, "fee_yen", "RANGE_0_10000"),
    issue("unknown-item", {"items": [9]}, "items", "UNKNOWN_VALUE"),
    issue("item-twice", {"items": [1, 1]}, "items", "EACH_AT_MOST_ONCE"),
    issue("nobody-listed", {"scope": "SCOPE_LISTED"}, "subjects", "RANGE_1_20"),
    issue(
        "too-many-listed",
        {"scope": "SCOPE_LISTED", "subjects": [SUBJECT] * 21},
        "subjects",
        "RANGE_1_20",
    ),
    issue("subjects-unasked", {"subjects": [SUBJECT]}, "subjects", "ONLY_WITH_SCOPE_LISTED"),
    issue(
        "subject-without-a-name",
        {"scope": "SCOPE_LISTED", "subjects": [SUBJECT | {"name": ""}]},
        "subjects[0].name",
        "REQUIRED",
    ),
    photo("empty-name", "name", "REQUIRED", name=""),
    photo("blank-name", "name", "REQUIRED", name="　"),
    photo("empty-address", "address", "REQUIRED", address=""),
    photo("no-birth-date", "birth_date", "REQUIRED", birthDate=None),
    photo("municipality-check-digit", "municipality", "INVALID_CHECK_DIGIT", municipality="112098"),
    photo("unknown-document", "kind", "UNKNOWN_VALUE", kind=99),
    photo("hash-too-short", "number_hash", "BYTES_32", numberHash=octets(31)),
    photo("no-salt", "number_salt", "BYTES_16", numberSalt=None),
    photo("salt-too-short", "number_salt", "BYTES_16", numberSalt=octets(15)),
    photo("salt-too-long", "number_salt", "BYTES_16", numberSalt=octets(17)),
    invalid("no-key", GET, {}, "key", "REQUIRED"),
    invalid("page-too-large", LIST, {"pageSize": 201}, "page_size", "RANGE_0_200"),
    invalid("garbage-page-token", LIST, {"pageToken": "garbage"}, "page_token", "UNKNOWN"),
    invalid(
        "paper-not-said",
        CONFIRM,
        REPORT | {"printState": "PRINT_STATE_UNCONFIRMED"},
        "print_state",
        "PRINTED_FAILED_OR_ABANDONED",
    ),
    invalid("no-copy", VERIFY, {"qrText": "garbage"}, "qr_text", "NO_COPY"),
    invalid("no-evidence", VERIFY, {}, "evidence", "REQUIRED"),
    invalid(
        "no-reason-to-recall",
        RECALL,
        {"requestId": REQUEST_ID, "issueNumber": NOBODYS_NUMBER},
        "recall_reason",
        "REQUIRED",
    ),
)
DOMICILE = {"items": ["ITEM_REGISTERED_DOMICILE"]}
INSURANCE = "KIND_HEALTH_INSURANCE_CARD"
REFUSED = (
    Bad("unknown-session", ISSUE, BY_CARD, "SESSION_NOT_FOUND"),
    Bad(
        "honseki",
        ISSUE,
        BY_CARD | DOMICILE,
        "ITEM_NOT_PERMITTED",
        {"item": "REGISTERED_DOMICILE"},
    ),
    Bad(
        "honseki-by-photo",
        ISSUE,
        by_photo() | DOMICILE,
        "ITEM_NOT_PERMITTED",
        {"item": "REGISTERED_DOMICILE"},
    ),
    Bad(
        "health-insurance-card",
        ISSUE,
        by_photo(kind=INSURANCE),
        "ID_KIND_NOT_ACCEPTED",
        {"kind": "HEALTH_INSURANCE_CARD"},
    ),
    Bad("other-address", ISSUE, by_photo(address="埼玉県所沢市並木三丁目2番地2"), "ID_MISMATCH"),
    Bad("unknown-request", GET, {"requestId": REQUEST_ID}, "ISSUE_NOT_FOUND"),
    Bad("unknown-number", GET, {"issueNumber": NOBODYS_NUMBER}, "ISSUE_NOT_FOUND"),
    Bad("unknown-paper", CONFIRM, REPORT, "ISSUE_NOT_FOUND"),
    Bad(
        "over-64-kib",
        GET,
        {"requestId": "x" * LIMIT_BYTES},
        "MESSAGE_TOO_LARGE",
        {"limitBytes": str(LIMIT_BYTES)},
    ),
    Bad("agency-issues", ISSUE, BY_CARD, "ROLE_NOT_ALLOWED", peer=AGENCY),
    Bad("operator-confirms", CONFIRM, REPORT, "ROLE_NOT_ALLOWED", peer=OPERATOR),
    Bad("agency-lists", LIST, {}, "ROLE_NOT_ALLOWED", peer=AGENCY),
)
HELLO: Data = {"purpose": "PURPOSE_CERTIFICATE_COPY", "versions": [1]}
SESSION_REFUSED = (
    Bad("no-purpose", AUTHENTICATE, {"hello": {"versions": [1]}}, "PURPOSE_UNKNOWN"),
    Bad("unknown-purpose", AUTHENTICATE, {"hello": HELLO | {"purpose": 99}}, "PURPOSE_UNKNOWN"),
    Bad(
        "unknown-version",
        AUTHENTICATE,
        {"hello": HELLO | {"versions": [9]}},
        "VERSION_UNSUPPORTED",
        {"supported": "1"},
    ),
    Bad(
        "answers-first",
        AUTHENTICATE,
        {"answers": {}},
        "STEP_OUT_OF_ORDER",
        {"expected": "hello", "got": "answers"},
    ),
    Bad("agency-authenticates", AUTHENTICATE, {"hello": HELLO}, "ROLE_NOT_ALLOWED", peer=AGENCY),
)


@pytest.mark.parametrize("bad", [*BAD_FIELDS, *REFUSED, *SESSION_REFUSED], ids=lambda bad: bad.name)
async def test_bad_input_gets_a_well_formed_error(curl: StockCurl, bad: Bad) -> None:
    said = await curl.call(bad.method, bad.data, peer=bad.peer)

    assert said.exit_code != 0
    assert said.out == ""
    require_well_formed(said.told(), bad.reason, bad.metadata)


async def test_same_request_id_with_other_content_is_refused_and_the_copy_stays(
    curl: StockCurl,
) -> None:
    request_id = str(uuid.uuid4())
    request = by_photo() | {"requestId": request_id}

    issued = await curl.call(ISSUE, request, peer=TERMINAL)
    other = await curl.call(ISSUE, request | {"feeYen": 301}, peer=TERMINAL)
    same = await curl.call(ISSUE, request, peer=TERMINAL)

    assert issued.exit_code == 0, issued.err
    require_well_formed(other.told(), "REQUEST_ID_REUSED", {})
    assert json.loads(same.out) == json.loads(issued.out)


async def test_services_are_listed_by_reflection(curl: StockCurl) -> None:
    said = await curl.list_services(TERMINAL)

    assert {COPIES, SESSIONS, MOVES} <= set(said.out.split())


async def test_error_is_well_formed_by_reflection_alone(curl: StockCurl) -> None:
    said = await curl.call(GET, {"requestId": REQUEST_ID}, peer=TERMINAL, reflect=True)

    require_well_formed(said.told(), "ISSUE_NOT_FOUND", {})


async def test_operator_lists_what_all_municipalities_issued(curl: StockCurl) -> None:
    said = await curl.call(LIST, {}, peer=OPERATOR)

    assert said.exit_code == 0, said.err


async def test_photo_identification_that_is_switched_off_is_refused(tmp_path: Path) -> None:
    text = dev_texts.center_toml("center-1")
    off = text.replace("[photo_id]\nenabled = true", "[photo_id]\nenabled = false")
    assert off != text
    (tmp_path / "center.toml").write_text(off, encoding="utf-8")

    async with dev.running(dev.DevOptions(tmp_path, port=0, http_port=0)) as center:
        await asyncio.to_thread(sign_in_everywhere, tmp_path)
        said = await curl_of(center).call(ISSUE, by_photo(), peer=TERMINAL)

    require_well_formed(said.told(), "PHOTO_ID_DISABLED", {})


async def test_no_client_certificate_does_not_connect(curl: StockCurl) -> None:
    await require_no_connection(curl, peer="")


async def test_certificate_of_another_network_does_not_connect(
    curl: StockCurl, tmp_path: Path
) -> None:
    stranger = make.init(tmp_path / "pki", Profiles.load(), datetime.now(UTC))

    await require_no_connection(replace(curl, pki=stranger.path), peer=TERMINAL)


async def test_certificate_that_has_expired_does_not_connect(curl: StockCurl) -> None:
    last_year = datetime.now(UTC) - timedelta(days=366)
    identity = PeerIdentity(Role.TERMINAL, "91", "131016")
    make.issue_peer(PKIFolder(curl.pki), identity, Profiles.load(), last_year)

    await require_no_connection(curl, peer="terminal/131016-91")


async def require_no_connection(curl: StockCurl, peer: str) -> None:
    """Require that the channel fails: no answer, and no reason, which only a call has."""
    listed = await curl.list_services(peer)
    called = await curl.call(GET, {"requestId": REQUEST_ID}, peer=peer)

    assert listed.exit_code != 0
    assert called.exit_code != 0
    assert listed.out + called.out == ""
    assert "ErrorInfo" not in called.err


async def test_lines_of_the_integrators_page_are_answered(curl: StockCurl) -> None:
    record = await say_line(curl, "ResidentService/GetRecord")
    moves = await say_line(curl, "MoveService/ListMoves")

    assert json.dumps(record["record"]).count('"16330504467"') == 1
    assert list(moves) in ([], ["moves"])


async def say_line(curl: StockCurl, method: str) -> Data:
    """Say a line of the integrator's page; return what the center answers."""
    page = (PROTOS.parent / "docs" / "integrator.md").read_text(encoding="utf-8")
    (line,) = re.findall(rf"^buf curl .*{method}$", page, re.MULTILINE)
    words = shlex.split(line)
    given = json.loads(words[words.index("--data") + 1])
    path = words[-1].removeprefix("https://127.0.0.1:7443/")

    said = await curl.call(path, given, peer=TERMINAL)

    assert said.exit_code == 0, said.err
    answered: Data = json.loads(said.out)
    return answered


async def test_notice_of_moving_out_is_entered_by_the_protos_alone(curl: StockCurl) -> None:
    request = {
        "requestId": str(uuid.uuid4()),
        "clerkName": "花子",
        "kind": "KIND_SPECIAL",
        "notification": {"channel": "CHANNEL_POST", "filer": "FILER_SELF"},
        "plan": {
            "destinationCode": "112089",
            "plannedDate": day_in_japan(datetime.now(UTC)).isoformat(),
        },
        "movers": [{"code": "16330504467", "expectedVersion": 1}],
    }
    nobodys = request | {"requestId": str(uuid.uuid4()), "movers": []}

    filed = await curl.call(FILE, request, peer=TERMINAL)
    empty = await curl.call(FILE, nobodys, peer=TERMINAL)
    by_agency = await curl.call(FILE, request, peer=AGENCY)

    assert filed.exit_code == 0, filed.err
    move = json.loads(filed.out)["move"]
    assert (move["state"], move["memberCount"]) == ("STATE_NOTIFIED", 1)
    withdrawal = {"requestId": str(uuid.uuid4()), "clerkName": "花子", "moveNumber": move["number"]}
    withdrawn = await curl.call(WITHDRAW, withdrawal, peer=TERMINAL)
    assert json.loads(withdrawn.out)["move"]["state"] == "STATE_CANCELLED"
    require_well_formed(empty.told(), "FIELD_INVALID", {"field": "movers", "rule": "RANGE_1_20"})
    require_well_formed(by_agency.told(), "ROLE_NOT_ALLOWED", {})
