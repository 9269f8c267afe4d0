"""The pinned channel: who is talked to at all, and what each failure of gRPC is called."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from juki_card.apdu import CommandAPDU
from juki_card.errors import UnexpectedStatus
from juki_client.channel import MAX_MESSAGE_BYTES
from juki_client.outcome import Part, Problem, Retry
from juki_pki.folder import PKIFolder
from juki_terminal.card_problems import problem_of
from juki_terminal.channel import Center
from juki_terminal.pin import FilePin
from juki_terminal.reader.virtual import VirtualReader
from juki_terminal.session import authenticate
from juki_terminal.stream import SessionStream
from juki_terminal.trust import Trust
from jukinet.card.v1 import card_session_service_pb2 as card_pb
from jukinet.card.v1 import card_session_service_pb2_grpc as card_grpc
from jukinet.copies.v1 import certificate_copy_service_pb2 as copies_pb
from jukinet.copies.v1 import certificate_copy_service_pb2_grpc as copies_grpc
from tests.support.trial_log import TrialLog
from tests.unit.terminal.center_double import SessionDouble, serving
from tests.unit.terminal.conftest import PIN, identity_of
from tests.unit.terminal.test_session import Counting


@dataclass
class Failing(copies_grpc.CertificateCopyServiceServicer):
    """A service whose GetIssue fails as the test says."""

    code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE
    details: list[any_pb2.Any] = field(default_factory=list)
    answer: copies_pb.GetIssueResponse | None = None

    def GetIssue(  # noqa: N802
        self, _request: copies_pb.GetIssueRequest, context: grpc.ServicerContext
    ) -> copies_pb.GetIssueResponse:
        if self.answer is not None:
            return self.answer
        if not self.details:
            context.abort(self.code, "a text that is no contract")
        status = status_pb2.Status(code=self.code.value[0], message="", details=self.details)
        context.abort_with_status(rpc_status.to_status(status))
        raise AssertionError


def packed(message: error_details_pb2.ErrorInfo | error_details_pb2.RetryInfo) -> any_pb2.Any:
    detail = any_pb2.Any()
    detail.Pack(message)
    return detail


def ask(pki: PKIFolder, service: Failing) -> Problem:
    """Return the problem of one call to a failing service."""
    request = copies_pb.GetIssueRequest(request_id=str(uuid.uuid4()))
    trust = Trust.load(pki.trust_path)
    with (
        serving(pki, copies=service) as address,
        Center(address, identity_of(pki), trust) as center,
        pytest.raises(Problem) as caught,
    ):
        center.call(center.copies.GetIssue, request)
    return caught.value


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (grpc.StatusCode.UNAVAILABLE, "CENTER_UNREACHABLE"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "CENTER_UNREACHABLE"),
        (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED"),
        (grpc.StatusCode.PERMISSION_DENIED, "ROLE_NOT_ALLOWED"),
        (grpc.StatusCode.UNIMPLEMENTED, "METHOD_UNKNOWN"),
        (grpc.StatusCode.UNKNOWN, "INTERNAL"),
        (grpc.StatusCode.DATA_LOSS, "INTERNAL"),
    ],
)
def test_status_without_a_reason_is_named_by_its_code_and_its_text_is_dropped(
    pki: PKIFolder, code: grpc.StatusCode, reason: str
) -> None:
    problem = ask(pki, Failing(code))

    assert problem.reason == reason
    assert problem.metadata == {"status": code.name}


def test_reason_of_the_center_comes_with_metadata_and_time_to_wait(pki: PKIFolder) -> None:
    info = error_details_pb2.ErrorInfo(
        reason="OVERLOADED", domain="center.jukinet", metadata={"queue": "9"}
    )
    wait = duration_pb2.Duration()
    wait.FromTimedelta(timedelta(seconds=2.5))
    details = [packed(info), packed(error_details_pb2.RetryInfo(retry_delay=wait))]

    problem = ask(pki, Failing(grpc.StatusCode.RESOURCE_EXHAUSTED, details))

    assert (problem.reason, problem.retry) == ("OVERLOADED", Retry.AFTER)
    assert problem.metadata == {"queue": "9", "retryAfterSeconds": "2.5"}


def test_reason_of_another_domain_is_not_ours(pki: PKIFolder) -> None:
    info = error_details_pb2.ErrorInfo(reason="PIN_WRONG", domain="elsewhere")

    problem = ask(pki, Failing(grpc.StatusCode.UNAVAILABLE, [packed(info)]))

    assert problem.reason == "CENTER_UNREACHABLE"


def test_answer_over_the_limit_is_not_taken(pki: PKIFolder) -> None:
    answer = copies_pb.GetIssueResponse(signed_content=bytes(MAX_MESSAGE_BYTES + 1))

    problem = ask(pki, Failing(answer=answer))

    assert problem.reason == "MESSAGE_TOO_LARGE"


def test_terminal_of_another_ca_gets_no_channel(
    pki: PKIFolder, other_pki: PKIFolder, address: str, card: Path
) -> None:
    stranger = Center(address, identity_of(other_pki), Trust.load(pki.trust_path))
    reader = Counting(VirtualReader(card))

    with stranger, pytest.raises(Problem) as caught:
        authenticate(stranger, reader, FilePin([PIN]))

    assert (caught.value.reason, caught.value.part) == ("CENTER_UNREACHABLE", Part.NETWORK)
    assert reader.commands == []


def test_center_whose_leaf_is_not_pinned_is_not_talked_to(
    pki: PKIFolder, other_pki: PKIFolder, address: str
) -> None:
    """Another CA's leaf is pinned; the center's own chain would verify against the root."""
    trust = Trust.load(other_pki.trust_path)

    with Center(address, identity_of(pki), trust) as center, pytest.raises(Problem) as caught:
        center.require_reachable()

    assert caught.value.reason == "CENTER_UNREACHABLE"


@pytest.mark.parametrize("name", ["center-leaves.pem", "cvca.cvcert", "log-verifiers"])
def test_trust_folder_without_a_file_is_refused_by_its_name(tmp_path: Path, name: str) -> None:
    for other in {"center-leaves.pem", "cvca.cvcert", "log-verifiers"} - {name}:
        (tmp_path / other).write_bytes(b"")

    with pytest.raises(Problem) as caught:
        Trust.load(tmp_path)

    assert caught.value.metadata == {"key": "trust.dir", "file": name}


@pytest.mark.parametrize("content", [b"", b"log+1+2\n", b"\xff\n"])
def test_verifiers_of_no_log_are_refused(tmp_path: Path, content: bytes) -> None:
    for name in ("center-leaves.pem", "cvca.cvcert"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "log-verifiers").write_bytes(content)

    with pytest.raises(Problem) as caught:
        Trust.load(tmp_path)

    assert caught.value.reason == "CONFIGURATION_INVALID"
    assert caught.value.metadata["file"] == "log-verifiers"


def test_pins_that_are_no_certificates_are_refused(tmp_path: Path) -> None:
    (tmp_path / "center-leaves.pem").write_bytes(b"nothing")
    (tmp_path / "cvca.cvcert").write_bytes(b"")
    (tmp_path / "log-verifiers").write_text(TrialLog().trusted.keys[0].encode() + "\n")

    with pytest.raises(Problem) as caught:
        Trust.load(tmp_path).leaf_hashes()

    assert caught.value.metadata["file"] == "center-leaves.pem"


@dataclass
class Silent(card_grpc.CardSessionServiceServicer):
    """A center that takes hello and says nothing, or hangs up."""

    hangs_up: bool = False
    done: threading.Event = field(default_factory=threading.Event)

    def Authenticate(  # noqa: N802
        self,
        _requests: Iterator[card_pb.AuthenticateRequest],
        _context: grpc.ServicerContext,
    ) -> Iterator[card_pb.AuthenticateResponse]:
        if not self.hangs_up:
            self.done.wait(30)
        yield from ()


@pytest.mark.parametrize(
    ("hangs_up", "reason"), [(False, "CENTER_UNREACHABLE"), (True, "STEP_OUT_OF_ORDER")]
)
def test_center_that_says_nothing_or_hangs_up_ends_the_session_in_time(
    pki: PKIFolder, hangs_up: bool, reason: str
) -> None:
    silent = Silent(hangs_up)
    trust = Trust.load(pki.trust_path)

    with (
        serving(pki, silent) as address,
        Center(address, identity_of(pki), trust) as center,
        closing(SessionStream(center, step_seconds=0.2)) as stream,
    ):
        stream.send(card_pb.AuthenticateRequest(hello=card_pb.Hello(purpose=1, versions=[1])))
        with pytest.raises(Problem) as caught:
            stream.receive_plan()
        silent.done.set()

    assert caught.value.reason == reason


@pytest.mark.parametrize("number", [2, 6, 12, 13, 16, 17, 18])
def test_network_cut_at_any_apdu_is_the_network_and_the_next_session_works(
    pki: PKIFolder, card: Path, number: int
) -> None:
    trust = Trust.load(pki.trust_path)

    class Cutting(Counting):
        def transmit(self, command: bytes) -> bytes:
            answer = super().transmit(command)
            if len(self.commands) == number:
                center.close()
            return answer

    with serving(pki, SessionDouble(pki)) as address:
        with Center(address, identity_of(pki), trust) as center, pytest.raises(Problem) as caught:
            authenticate(center, Cutting(VirtualReader(card)), FilePin([PIN]))
        with Center(address, identity_of(pki), trust) as again:
            done = authenticate(again, VirtualReader(card), FilePin([PIN]))

    assert (caught.value.reason, caught.value.part) == ("CENTER_UNREACHABLE", Part.NETWORK)
    assert len(done.transcript_hash) == 32


def test_pin_status_words_of_other_commands_say_nothing_of_a_pin() -> None:
    """63C2 to a command that is not the last of PACE is a refusal by the card."""
    command = CommandAPDU(0x00, 0x22, 0x41, 0xA4)
    problem = problem_of(UnexpectedStatus(0x63C2, repr(command)))

    assert (problem.reason, problem.part) == ("CARD_REFUSED", Part.CARD)
    assert problem.metadata["statusWord"] == "63C2"
