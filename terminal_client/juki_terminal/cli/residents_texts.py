"""What the commands of the register say to people: Japanese for clerks, English for engineers."""

from __future__ import annotations

from enum import Enum

from juki_client.outcome import Language


class Text(Enum):
    """A sentence in both languages; names in braces are filled in."""

    ASK_CODE = ("住民票コード (11桁)", "Resident record code (11 digits)")
    ASK_HOUSEHOLD_OF = (
        "入る世帯の世帯員の住民票コード (11桁)",
        "Code of a member of the household to enter (11 digits)",
    )
    ASK_TARGET = (
        "移る先の世帯員の住民票コード (新しい世帯は空のままEnter)",
        "Code of a member of the household to enter (empty for a new one)",
    )
    ASK_MEMBER = (
        "異動する人の住民票コード (終わりは空のままEnter)",
        "Code of a person who moves (empty to end)",
    )
    ASK_RELATIONSHIP = ("新しい続柄", "New relationship to the householder")
    ASK_DEATH = ("死亡年月日 (例: 令和8年11月20日)", "Date of death (such as 令和8年11月20日)")
    ASK_CHANGE_DATE = ("異動年月日", "Date of the change")
    ASK_REASON = ("修正の事由", "Reason of the correction")
    ASK_PLANNED_END = (
        "支援措置の終期の予定 (なければ空のままEnter)",
        "Planned end of the measure (empty for none)",
    )
    KEEP_OR_BLANK = (
        "空のままEnterで変更なし、- で空欄にします。",
        "Empty keeps a value, - makes it blank.",
    )
    REPEATED = (
        "前回の「{command}」は結果が分かりませんでした。同じ受付番号で送りました。",
        "The outcome of the last {command} was unknown: its request id was sent again.",
    )
    EARLIER_STANDS = (
        "前回の「{command}」は処理済みです。今回の内容は処理されていません。"
        "記録を確認してから、必要ならもう一度実行してください。",
        "The last {command} was carried out; this one was not."
        " Look at the record, then run it again if it is still needed.",
    )
    RUN_AGAIN = (
        "結果が分かりません。同じ内容で「{command}」をもう一度実行してください。"
        "二重に処理されることはありません。",
        "The outcome is unknown. Run {command} again with the same content;"
        " it is never done twice.",
    )
    DONE = ("処理しました。", "Done.")
    PROPOSED = (
        "承認を求めました（{id}）。10分以内に、別の職員が juki-terminal approve {id} で承認します。"
        "そのあと、同じ内容で「{command} --approval {id}」を実行してください。",
        "Proposed as {id}. Within ten minutes another clerk approves it:"
        " juki-terminal approve {id}. Then run {command} again with --approval {id}.",
    )
    EARLIER_VERSION = ("第{version}版", "Version {version}")
    NO_MEMBERS = ("世帯員はいません。", "The household has no members.")
    CARDS_LAPSED = ("失効した住基カード: {count}枚", "Cards that lapsed: {count}")
    CARDS_REVOKED = ("廃止した住基カード: {count}枚", "Cards that were revoked: {count}")
    NEEDS_HEAD = (
        "この世帯の世帯主を定めてください (世帯変更)。",
        "The household needs one head: change the household.",
    )
    STOCK_LOW = (
        "住民票コードの在庫が少なくなっています。",
        "The municipality's stock of codes is low.",
    )
    LOCKED = (
        "編集中にしました。ロック番号 {lock}、{until}まで。",
        "Locked: {lock}, until {until}.",
    )
    UNLOCKED = ("編集中を解除しました。", "The lock is given back.")

    def say(self, language: Language, **facts: object) -> str:
        """Return the sentence in a language, filled in."""
        ja, en = self.value
        return (ja if language is Language.JAPANESE else en).format(**facts)
