"""Whose disconnections stop which calls, and what passes always."""

from __future__ import annotations

import pytest

from juki_center.areas.fleet.disconnections import (
    CENTER,
    PASSING,
    Scope,
    Standing,
    Subject,
    subjects_of,
)
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.errors import RuleBroken
from jukinet.cards.v1 import card_service_pb2
from jukinet.operations.v1 import center_service_pb2

ISSUE = "/jukinet.copies.v1.CertificateCopyService/IssueCopy"
COPIES = Subject(Scope.FUNCTION, "jukinet.copies.v1.CertificateCopyService")
NAKA, YOKOHAMA = MunicipalityCode("141046"), MunicipalityCode("141003")
TERMINAL = "juki://municipality/141046/terminal/01"


def test_a_terminal_is_stopped_by_its_own_its_offices_and_its_registers_disconnection() -> None:
    found = subjects_of(Standing(ISSUE, "terminal", TERMINAL, NAKA, YOKOHAMA))

    assert set(found) == {
        CENTER,
        COPIES,
        Subject(Scope.TERMINAL, TERMINAL),
        Subject(Scope.MUNICIPALITY, "141046"),
        Subject(Scope.MUNICIPALITY, "141003"),
    }


def test_an_agency_is_stopped_by_its_own_the_functions_and_the_centers() -> None:
    uri = "juki://agency/passport-1"

    found = subjects_of(Standing(ISSUE, "agency", uri))

    assert set(found) == {CENTER, COPIES, Subject(Scope.AGENCY, uri)}


@pytest.mark.parametrize("method", sorted(PASSING))
@pytest.mark.parametrize("role", ["terminal", "desk", "operator"])
def test_case_42_reporting_a_lost_card_closing_and_proofs_pass_always(
    method: str, role: str
) -> None:
    assert subjects_of(Standing(method, role, TERMINAL, NAKA)) == ()


def test_an_operator_opens_while_the_whole_center_is_cut_off() -> None:
    reconnect = "/jukinet.operations.v1.CenterService/Reconnect"

    assert subjects_of(Standing(reconnect, "operator", "juki://operator/operator-1")) == ()
    assert CENTER in subjects_of(Standing(ISSUE, "operator", "juki://operator/operator-1"))


def test_no_terminal_passes_by_the_operators_services() -> None:
    propose = "/jukinet.approvals.v1.ApprovalService/Propose"

    assert CENTER in subjects_of(Standing(propose, "terminal", TERMINAL, NAKA))


def test_what_passes_are_methods_that_there_are() -> None:
    services = (
        card_service_pb2.DESCRIPTOR.services_by_name["CardService"],
        center_service_pb2.DESCRIPTOR.services_by_name["CenterService"],
    )
    ours = {f"/{one.full_name}/{method.name}" for one in services for method in one.methods}

    named = {one for one in PASSING if one.startswith("/jukinet.")}

    assert named <= ours | {"/jukinet.operations.v1.CenterService/RevokeTerminal"}


@pytest.mark.parametrize(
    ("scope", "name"),
    [
        (Scope.TERMINAL, "juki://agency/passport-1"),
        (Scope.TERMINAL, "juki://municipality/112089/terminal/"),
        (Scope.TERMINAL, "juki://municipality/112089/terminal/0 1"),
        (Scope.MUNICIPALITY, "112080"),
        (Scope.MUNICIPALITY, ""),
        (Scope.AGENCY, "passport-1"),
        (Scope.AGENCY, "juki://agency/"),
        (Scope.FUNCTION, "MoveService"),
        (Scope.FUNCTION, "jukinet.moves.v1.MoveService/FileMoveOut"),
        (Scope.CENTER, "center-1"),
        (Scope.FUNCTION, "jukinet." + "x" * 200),
    ],
)
def test_a_name_that_no_such_subject_has_is_refused(scope: Scope, name: str) -> None:
    with pytest.raises(RuleBroken) as caught:
        Subject(scope, name)

    assert caught.value.rule == f"NO_{scope}"
