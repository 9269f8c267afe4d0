"""What stands in a move's way, as a clerk reads it: the center names field and rule, or state."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from juki_client.outcome import Problem
from juki_client.report import say
from juki_terminal.cli import advice
from juki_terminal.cli.moves_words import Words, word

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from juki_client.outcome import Language

_UNKNOWN_PLACE: Final = (
    "この市区町村コードの市区町村はありません。コードを確認してください。",
    "No municipality has this code: check it.",
)
_OF_ANY_FIELD: Final[Mapping[str, Words]] = {
    "FUTURE": (
        "まだ来ていない日です。その日になってから届け出てもらうか、日付を確認してください。",
        "The day has not come: check it, or let the notice be made when it has.",
    ),
    "BEFORE_BIRTH": (
        "生まれる前の日になる方がいます。日付を確認してください。",
        "The day lies before the birth of somebody who moves: check it.",
    ),
    "YEAR_WITHOUT_CALENDAR": (
        "休日が分からない年の日です。日付を確認してください。",
        "Nobody knows the holidays of that year: check the day.",
    ),
    "NO_MUNICIPALITY": _UNKNOWN_PLACE,
    "MUNICIPALITY_UNKNOWN": _UNKNOWN_PLACE,
    "MUNICIPALITY_NOT_VALID": (
        "その日には廃止されている、またはまだない市区町村です。コードを確認してください。",
        "That municipality is not in force on the day: check its code.",
    ),
    "TWICE": (
        "同じ方が2回入力されています。1回にしてください。",
        "Somebody is named twice: name them once.",
    ),
    "RANGE_1_20": (
        "1つの届出は1人から20人までです。",
        "A notice is of 1 to 20 persons.",
    ),
    "ONE_HEAD": (
        "新しい世帯には、世帯主がちょうど1人必要です。続柄を見直してください。",
        "A new household has exactly one head: look at the relationships.",
    ),
    "WHOLE_HOUSEHOLD": (
        "残る世帯員がいます。世帯全員を選ぶか、新しい世帯にしてください。",
        "Somebody of the household stays: name everybody, or make a new household.",
    ),
    "OWN_HOUSEHOLD": (
        "入る世帯が今の世帯と同じです。別の世帯の方を指定してください。",
        "That is their own household: name somebody of another one.",
    ),
    "BEFORE_PRESENT_ADDRESS": (
        "今の住所に住み始めた日より前の日です。日付を確認してください。",
        "The day lies before they came to their present address: check it.",
    ),
    "NOTHING_CHANGED": (
        "今の記録と同じ内容です。変わるところを入力してください。",
        "That is what stands there already: enter what changes.",
    ),
    "IS_ORIGIN": (
        "転出元の市区町村です。転入先のコードを確認してください。",
        "That is the origin: check the code of the destination.",
    ),
    "HOSTED_HERE": (
        "この市区町村の転入は、転入先の窓口で登録されます。ここでは入力しません。",
        "That municipality's own window registers the move in: there is nothing to enter here.",
    ),
    "ABROAD": (
        "国外への転出には転出証明書がありません。",
        "A move abroad has no certificate.",
    ),
    "ALL_WHO_MOVED": (
        "取り消すときは、転入した全員を1回ずつ指定してください。",
        "To take it back, name everybody who moved, once each.",
    ),
}
_OF_ONE_FIELD: Final[Mapping[tuple[str, str], Words]] = {
    ("planned_date", "RANGE"): (
        "転出の予定日は今日から1年以内です。日付を確認してください。",
        "The planned day is at most a year ahead: check it.",
    ),
    ("notice_date", "RANGE"): (
        "届出の日は1年前までです。日付を確認してください。",
        "The day of the notice is at most a year back: check it.",
    ),
    ("moved_date", "RANGE"): (
        "異動した日は、転出の予定日の1年前までです。日付を確認してください。",
        "The day of the move is at most a year before the planned one: check it.",
    ),
}
_OF_STATES: Final[Mapping[str, Words]] = {
    "TRANSFERRED": (
        "転入先が情報を取得しています。転入先の窓口が取りやめるか、"
        "取得から24時間たつと、処理できます。",
        "A destination has fetched it: possible once it is given back, or after 24 hours.",
    ),
    "COMPLETED": (
        "転入済みの届出です。取り消すのは転入先の窓口です。",
        "The move in is registered; the destination's window takes it back.",
    ),
    "CANCELLED": (
        "取り消された届出です。異動する方がいれば、新しい届出が必要です。",
        "The notice was withdrawn: whoever moves needs a new one.",
    ),
    "CANCELLED_AFTER": (
        "転入が取り消された届出です。異動する方がいれば、新しい届出が必要です。",
        "The move in was taken back: whoever moves needs a new notice.",
    ),
}
_CUT_OFF: Final = (
    "相手の市区町村は接続を断たれているため、その台帳が必要な処理はできません。届出と転出証明書は"
    "書面で受け付け（届出の日も控え）、再び接続されてから登録してください。",
    "The other municipality is cut off, and this needs its register. Take the notification and the"
    " certificate of moving out on paper, note the day, and register once it is connected again.",
)
_ABROAD: Final = (
    "国外への転出に特例と転出証明書はありません。通常の転出届として届け出てください。",
    "A move abroad has neither special case nor certificate: file an ordinary notice.",
)
_ORDINARY_WAY: Final = (
    "通常の転出届として、転出証明書で手続きできます (特例を利用しない)。",
    "An ordinary notice, with a certificate of moving out, is possible.",
)


@contextmanager
def advised(language: Language, command: str) -> Iterator[None]:
    """Say what the clerk does next, where the reason of a problem alone does not."""
    with advice.advised(language, command):
        try:
            yield
        except Problem as problem:
            words = _words(problem)
            if words is not None:
                say(word(words, language))
            raise


def ordinary_way(problem: Problem) -> Words:
    """Return what is possible where a notice cannot be one by card."""
    return _ABROAD if problem.metadata.get("why") == "ABROAD" else _ORDINARY_WAY


def _words(problem: Problem) -> Words | None:
    if problem.reason == "RESIDENCE_DISCONNECTED":
        return _CUT_OFF
    if problem.reason == "NOT_IN_THIS_STATE":
        return _OF_STATES.get(problem.metadata.get("state", ""))
    if problem.reason != "FIELD_INVALID":
        return None
    rule, path = problem.metadata.get("rule", ""), problem.metadata.get("field", "")
    leaf = path.rpartition(".")[2]
    return _OF_ONE_FIELD.get((leaf, rule)) or _OF_ANY_FIELD.get(rule)
