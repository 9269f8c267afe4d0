"""Requests about moves as windows make them, each under a new request id, whole and lawful."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from jukinet.moves.v1 import move_pb2 as records
from jukinet.moves.v1 import move_service_pb2 as pb
from tests.support.center import SAMPLES
from tests.support.register_service import newborn

TARO, HANAKO, SAKURA = "yoshida-taro", "yoshida-hanako", "yoshida-sakura"
FAMILY = (TARO, HANAKO, SAKURA)
FUMI = "ichigaya-fumi"
CLERK = "佐藤　花"
ORIGIN, DESTINATION = "112089", "131016"
NUMBER = "M000000000195"
VERIFICATION_CODE = "000000000000000195"
CARD_NUMBER = "000000000195"
OLD_ADDRESS = "埼玉県所沢市並木一丁目1番地の1"
NEW_ADDRESS = "東京都千代田区九段南一丁目2番1号"
NEW_BUILDING = "グランドハイツ１０１号室"
MOVED_ON = "2026-11-20"
ROLES = ("世帯主", "妻", "子")


def code(key: str) -> str:
    """Return a sample resident's code."""
    return SAMPLES[key].record.code.digits


def changing(**more: Any) -> dict[str, Any]:
    """Return what every changing request has, and more."""
    return {"request_id": str(uuid4()), "clerk_name": CLERK, **more}


def plan(**more: Any) -> records.MovePlan:
    """Return a plan of Tokorozawa's residents to move to Chiyoda, known by its address."""
    where = {} if "abroad" in more else {"destination_code": DESTINATION}
    fields = {**where, "destination_address": NEW_ADDRESS, "planned_date": MOVED_ON, **more}
    return records.MovePlan(**fields)


def movers(*keys: str, version: int = 1) -> list[pb.Mover]:
    """Return who moves out."""
    return [pb.Mover(code=code(key), expected_version=version) for key in keys]


def filing(*keys: str, **more: Any) -> pb.FileMoveOutRequest:
    """Return a special notice at the counter, by Taro for these persons or for his family."""
    notification = records.Notification(
        channel=records.Notification.CHANNEL_COUNTER,
        filer=records.Notification.FILER_HOUSEHOLDER,
    )
    fields = {
        "kind": records.Move.KIND_SPECIAL,
        "notification": notification,
        "plan": plan(),
        "movers": movers(*(keys or FAMILY)),
        **more,
    }
    return pb.FileMoveOutRequest(**changing(**fields))


def by_paper(*keys: str, **more: Any) -> pb.FileMoveOutRequest:
    """Return an ordinary notice."""
    return filing(*keys, kind=records.Move.KIND_ORDINARY, **more)


def change(number: str = NUMBER, **more: Any) -> pb.ChangeMoveOutRequest:
    """Return a change of a notice that the clerk saw in its first version."""
    fields = {
        "move_number": number,
        "expected_version": 1,
        "plan": plan(planned_date="2026-11-27"),
        "movers": movers(*FAMILY),
        **more,
    }
    return pb.ChangeMoveOutRequest(**changing(**fields))


def withdrawal(number: str = NUMBER) -> pb.CancelMoveOutRequest:
    """Return a withdrawal."""
    return pb.CancelMoveOutRequest(**changing(move_number=number))


def paper_wanted(number: str = NUMBER, **more: Any) -> pb.IssueMovingOutCertificateRequest:
    """Return a request for a paper."""
    return pb.IssueMovingOutCertificateRequest(**changing(move_number=number, **more))


def sent_correction(number: str = NUMBER, key: str = TARO) -> pb.CorrectMoveOutRequest:
    """Return corrected entries of a person."""
    return pb.CorrectMoveOutRequest(
        **changing(move_number=number, code=code(key), entries=newborn(address=OLD_ADDRESS))
    )


def arrived(number: str = NUMBER, **more: Any) -> pb.RecordArrivalRequest:
    """Return an arrival notice that came another way, from Funabashi."""
    fields = {"destination_code": "122041", "moved_date": MOVED_ON, **more}
    return pb.RecordArrivalRequest(**changing(move_number=number, **fields))


def by_card(session_id: bytes = bytes(16), **more: Any) -> pb.FetchTransferInformationRequest:
    """Return a request for information with a card."""
    card = {"session_id": session_id, "moved_date": MOVED_ON, **more}
    return pb.FetchTransferInformationRequest(**changing(by_card=card))


def beforehand(number: str = NUMBER) -> pb.FetchTransferInformationRequest:
    """Return a request for information of an expected move."""
    return pb.FetchTransferInformationRequest(**changing(expected_move_number=number))


def new_place(**more: Any) -> records.NewPlace:
    """Return a place in Chiyoda, with a new household where nothing else is said."""
    household = {} if "household_of_code" in more else {"new_household": True}
    where = {"address": NEW_ADDRESS, "building_and_room": NEW_BUILDING}
    return records.NewPlace(**{**where, **household, **more})


def arrivals(*keys: str, version: int = 1) -> list[records.Arrival]:
    """Return who has come; the first one heads the household."""
    return [
        records.Arrival(
            code=code(key),
            expected_version=version,
            relationship_to_householder=role,
        )
        for key, role in zip(keys, ROLES, strict=False)
    ]


def moving_in(transfer_id: bytes = bytes(16), **more: Any) -> pb.RegisterMoveInRequest:
    """Return a move in with fetched information, of the whole family."""
    fields = {
        "fetched": {"transfer_id": transfer_id, "notice_version": 1},
        "arrivals": arrivals(*FAMILY),
        "place": new_place(),
        **more,
    }
    return pb.RegisterMoveInRequest(**changing(**fields))


def moving_in_by_paper(
    number: str = NUMBER, code_on_paper: str = VERIFICATION_CODE, **more: Any
) -> pb.RegisterMoveInRequest:
    """Return a move in against a paper, of the whole family."""
    paper = {
        "move_number": number,
        "verification_code": code_on_paper,
        "moved_date": MOVED_ON,
        "late_reason": more.pop("late_reason", ""),
    }
    fields = {
        "paper": paper,
        "arrivals": arrivals(*FAMILY, version=0),
        "place": new_place(),
        **more,
    }
    return pb.RegisterMoveInRequest(**changing(**fields))


def giving_back(transfer_id: bytes = bytes(16)) -> pb.AbandonMoveInRequest:
    """Return that information is given back."""
    return pb.AbandonMoveInRequest(**changing(transfer_id=transfer_id))


def taking_back(
    number: str = NUMBER, keys: tuple[str, ...] = FAMILY, version: int = 1
) -> pb.CancelMoveInRequest:
    """Return that a completed move is taken back."""
    moved = [records.Arrival(code=code(key), expected_version=version) for key in keys]
    return pb.CancelMoveInRequest(**changing(move_number=number, moved=moved))


def accepting(
    number: str = NUMBER, key: str = TARO, version: int = 1
) -> pb.AcceptCorrectionRequest:
    """Return that a correction is entered."""
    return pb.AcceptCorrectionRequest(
        **changing(move_number=number, code=code(key), expected_version=version)
    )


def continuing(session_id: bytes = bytes(16), **more: Any) -> pb.ContinueCardRequest:
    """Return that the use of a card is continued."""
    return pb.ContinueCardRequest(**changing(session_id=session_id, **more))


def moving_within(*keys: str, **more: Any) -> pb.RegisterMoveWithinRequest:
    """Return a move of Fumi within Chiyoda, or of these persons within their municipality."""
    moving = [
        pb.RegisterMoveWithinRequest.Within(
            code=code(key), expected_version=1, relationship_to_householder=role
        )
        for key, role in zip(keys or (FUMI,), ROLES, strict=False)
    ]
    fields = {"movers": moving, "place": new_place(), "moved_date": MOVED_ON, **more}
    return pb.RegisterMoveWithinRequest(**changing(**fields))


def asking(number: str = NUMBER) -> pb.GetMoveRequest:
    """Return a question for a move."""
    return pb.GetMoveRequest(clerk_name=CLERK, move_number=number)


def listing(
    selection: pb.ListMovesRequest.Selection.ValueType = pb.ListMovesRequest.SELECTION_OUT_ALL,
    **more: Any,
) -> pb.ListMovesRequest:
    """Return a question for a page of moves."""
    return pb.ListMovesRequest(clerk_name=CLERK, selection=selection, **more)


def listing_missing(**more: Any) -> pb.ListMissingArrivalsRequest:
    """Return a question for a page of missing arrivals."""
    return pb.ListMissingArrivalsRequest(clerk_name=CLERK, **more)


def listing_alerts(**more: Any) -> pb.ListMoveAlertsRequest:
    """Return a question for a page of alerts."""
    return pb.ListMoveAlertsRequest(clerk_name=CLERK, **more)


def seeing(alert_id: str = "00" * 16) -> pb.AcknowledgeMoveAlertRequest:
    """Return that a clerk has seen an alert."""
    return pb.AcknowledgeMoveAlertRequest(clerk_name=CLERK, alert_id=alert_id)
