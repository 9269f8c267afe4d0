"""What the commands of moves say to people: Japanese for clerks, English for engineers."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from juki_terminal.cli.moves_words import word

if TYPE_CHECKING:
    from juki_client.outcome import Language


class Text(Enum):
    """A sentence in both languages; names in braces are filled in."""

    ASK_HOUSEHOLD = (
        "異動する世帯員のうち1人の住民票コード (11桁)",
        "Code of one of the persons who move (11 digits)",
    )
    ASK_WHO = (
        "異動する人の番号 (例: 1 2 4。全員は空のままEnter)",
        "Numbers of those who move (such as 1 2 4; empty for all)",
    )
    ASK_CODE = ("住民票コード (11桁)", "Resident record code (11 digits)")
    ASK_NEXT_CODE = (
        "住民票コード (11桁。終わりは空のままEnter)",
        "Resident record code (11 digits; empty to end)",
    )
    ASK_KIND = ("転出入の特例を利用しますか", "By the special case?")
    ASK_DESTINATION = (
        "転出先の市区町村コード (6桁。国外は空のままEnter)",
        "Code of the destination (6 digits; empty for abroad)",
    )
    ASK_ARRIVED_AT = ("転入先の市区町村コード (6桁)", "Code of the destination (6 digits)")
    ASK_PLANNED_ADDRESS = (
        "転出先の住所 (分からなければ空のままEnter)",
        "Address there (empty where it is not known)",
    )
    ASK_PLANNED_DATE = (
        "転出の予定年月日 (例: 令和9年3月31日)",
        "Planned day of the move (such as 2027-03-31)",
    )
    ASK_CHANNEL = ("届出の方法", "Which way")
    ASK_FILER = ("届出人", "Who notifies")
    ASK_NOTICE_DATE = (
        "届出が届いた日 (今日なら空のままEnter)",
        "Day on which the notice arrived (empty for today)",
    )
    ASK_MOVED_DATE = ("異動した年月日", "Day of the move")
    ASK_MOVE = ("転出証明書の届出番号", "Number of the move on the certificate")
    ASK_VERIFICATION = (
        "転出証明書の照合番号 (18桁)",
        "Verification code on the certificate (18 digits)",
    )
    ASK_ADDRESS = ("新しい住所", "New address")
    ASK_BUILDING = ("方書 (なければ空のままEnter)", "Building and room (empty for none)")
    ASK_TARGET = (
        "入る世帯の世帯員の住民票コード (新しい世帯は空のままEnter)",
        "Code of a member of the household to enter (empty for a new one)",
    )
    ASK_RELATIONSHIP = ("{name} さんの新しい続柄", "New relationship of {name}")
    ASK_RELATIONSHIP_OF_CODE = ("この方の新しい続柄", "This person's new relationship")
    ASK_SAME_HOUSEHOLD = (
        "世帯の構成を変えずに全員で移りますか",
        "Does the whole household move as it is?",
    )
    ASK_CARD = (
        "返納されたカードの番号 (終わりは空のままEnter)",
        "Number of a card that was handed in (empty to end)",
    )
    ASK_AGENT = ("届出人は代理人ですか", "Does an agent make the notice?")
    ASK_LATE_REASON = (
        "届出の期間（14日）を過ぎています。遅れた理由",
        "The notice is late. The reason",
    )
    ASK_BACK = (
        "カードの裏面に新しい住所を記載しましたか",
        "Was the new address written on the back of the card?",
    )
    ASK_GIVE_UP = (
        "特例をやめて転出証明書を交付しますか。特例には戻せません",
        "Give the special case up for a paper? It cannot be had again",
    )
    ASK_AGAIN = (
        "センターの結果が分かりません。同じ届出をもう一度送りますか",
        "The outcome is unknown. Send the same notice again?",
    )
    ASK_GIVE_BACK = (
        "転入を取りやめ、取得した情報を転出元に返しますか",
        "Give the information back to the origin?",
    )
    GO_ON = ("この内容で処理しますか", "Go on?")
    WILL_OUT = ("転出届を受理します: {kind}", "A move-out notice will be entered: {kind}")
    WILL_CHANGE = (
        "転出届 {number} の内容を次のとおり変更します。",
        "Notice {number} will be changed to this:",
    )
    WILL_CANCEL = (
        "転出届 {number} を取り消します。全員がこの市区町村に残ります。",
        "Notice {number} will be withdrawn: everybody stays.",
    )
    WILL_CERTIFY = (
        "届出 {number} の転出証明書を交付します。",
        "A certificate of moving out will be issued for {number}.",
    )
    WILL_CERTIFY_AGAIN = (
        "届出 {number} の転出証明書を再交付します ({count}回目)。",
        "The certificate of {number} will be issued again (paper {count}).",
    )
    WILL_GIVE_UP = (
        "特例は利用できなくなります。元に戻すことはできません。",
        "The special case is given up for good.",
    )
    WILL_CORRECT = (
        "届出 {number} の方の記載を訂正し、転入先に知らせます。",
        "Corrected entries will be sent for {number}; the destination decides.",
    )
    WILL_RECORD_ARRIVAL = (
        "届出 {number} の転入通知を記録します。",
        "The arrival of {number} will be recorded.",
    )
    WILL_IN = ("転入届を受理します: {kind}", "A move in will be registered: {kind}")
    WILL_ABANDON = (
        "届出 {number} の情報を転出元に返します。転入は登録しません。",
        "The information of {number} will be given back; nobody moves in.",
    )
    WILL_TAKE_BACK = (
        "届出 {number} の転入を取り消し、転出元に戻します。失効したカードは戻りません。",
        "The move in of {number} will be taken back; cards that lapsed stay so.",
    )
    WILL_ACCEPT = (
        "届出 {number} の転出元からの訂正を住民票に記載します。",
        "The origin's correction of {number} will be entered.",
    )
    WILL_WITHIN = ("転居届を受理します。", "A move within the municipality will be registered.")
    WILL_CONTINUE = (
        "カード {number} の継続利用の手続きをします。本人が暗証番号を入力します。",
        "The use of card {number} will be continued; its holder enters the PIN.",
    )
    NUMBER = ("届出番号: {number}", "Move: {number}")
    ROUTE = ("{origin} → {destination}", "{origin} → {destination}")
    ABROAD = ("国外", "abroad")
    PLANNED = ("転出の予定年月日: {day}", "Planned day: {day}")
    MOVED = ("異動年月日: {day}", "Day of the move: {day}")
    LAST_DAY = ("特例による転入の期限: {day}", "Last day by card: {day}")
    NOTIFIED = ("届出: {channel}、{filer}", "Notice: {channel}, {filer}")
    PLACE = ("新しい住所: {address}", "New address: {address}")
    NEW_HOUSEHOLD = ("世帯: 新しい世帯", "Household: a new one")
    IN_HOUSEHOLD = ("世帯: 指定した世帯員の世帯に入る", "Household: that of the resident named")
    SAME_HOUSEHOLD = ("世帯: 構成は変わらない", "Household: stays what it is")
    WHO = ("異動する人: {count}人", "Persons who move: {count}")
    PERSON = ("  {name}（{relationship}）", "  {name} ({relationship})")
    STAYS = ("  転入しない: {name}", "  stays: {name}")
    RETURNS = (
        "  再転入: {name} さんは以前の住民票コードのまま記載します",
        "  returns: {name} keeps the code of before",
    )
    PROTECTED = (
        "  支援措置: {name} さんの措置は転入先に引き継がれます",
        "  protective measure: goes with {name}",
    )
    CARDS_SPECIAL = (
        "カード: 転入の届出まで使います。届出の後は転入先の窓口で返納または継続利用になります。",
        "Cards: needed for the move in; then handed in or continued there.",
    )
    CARDS_ORDINARY = (
        "カード: 転出の予定年月日に失効します。",
        "Cards: lapse on the planned day.",
    )
    CARDS_IN = (
        "カード: 返納 {count}枚。残りは、規則により失効または継続利用の対象になります。",
        "Cards handed in: {count}; the others lapse or wait for continuation, by the rule set.",
    )
    CARDS_LAPSE = ("カード: 失効します。返納 {count}枚。", "Cards: lapse; handed in: {count}.")
    CARDS_STAY = (
        "カード: そのまま使えます。様式2のカードは裏面に新しい住所を記載します。",
        "Cards: stay in use; the new address goes on the back of style 2.",
    )
    UNPRINTABLE = (
        "注意: {place}人目の「{label}」に、この端末で表示・印刷できない文字があります ({points})。"
        "本人の書類と見比べてください。",
        "Note: person {place}, {label}: this window cannot show or print {points}."
        " Compare it with the person's documents.",
    )
    UNPRINTABLE_PLAN = (
        "注意: 転出先の住所に、この端末で印刷できない文字があります ({points})。"
        "このままでは転出証明書を出力できません。",
        "Note: the planned address has characters that this window cannot print ({points}):"
        " no certificate could be written.",
    )
    DONE_OUT = (
        "転出届 {number} を受理しました: {kind}",
        "Notice {number} is entered ({kind}).",
    )
    DONE_CHANGE = ("転出届 {number} を変更しました。", "Notice {number} is changed.")
    DONE_CANCEL = (
        "転出届 {number} を取り消しました。除票から回復した記録: {count}件。",
        "Notice {number} is withdrawn; records that hold again: {count}.",
    )
    DONE_CERTIFICATE = (
        "届出 {number} の転出証明書を交付しました ({count}回目)。",
        "The certificate of {number} is issued (paper {count}).",
    )
    DONE_CORRECT = (
        "届出 {number} の訂正を転入先に知らせました。",
        "The destination of {number} is alerted.",
    )
    SENT_CORRECT = (
        "届出 {number} の訂正を受け付けました。転入先にはまだ届いていません。",
        "The correction of {number} is entered; its destination does not have it yet.",
    )
    NOTICE_WAITS = (
        "相手の市区町村は接続を断たれています。通知は順番に待っており、再び接続されると届きます。"
        "届いたかどうかは: juki-terminal move show {number}",
        "The other municipality is cut off: the notice waits in its turn, and is delivered once it"
        " is connected again. Look whether it was: juki-terminal move show {number}",
    )
    GIVEN_BACK_WAITS = (
        "転出元は接続を断たれています。返したことは、再び接続されると転出元に知らされます。",
        "The origin is cut off; it is told of this once it is connected again.",
    )
    NOTICE = (
        "{receiver}への通知「{kind}」({time}): {state}",
        "Notice to {receiver}, {kind} ({time}): {state}",
    )
    DONE_ARRIVED = ("届出 {number} の転入を記録しました。", "The arrival of {number} is recorded.")
    DONE_IN = ("転入届 {number} を登録しました。", "The move in {number} is registered.")
    DONE_ABANDON = (
        "届出 {number} の情報を返しました。もう一度取得できます。",
        "The information of {number} is given back; it may be fetched again.",
    )
    DONE_TAKE_BACK = ("届出 {number} の転入を取り消しました。", "Move {number} is taken back.")
    DONE_ACCEPT = ("訂正を記載しました。", "The correction is entered.")
    DONE_WITHIN = ("転居届を登録しました。", "The move is registered.")
    DONE_CONTINUE = (
        "カード {number} を引き続き使えます。有効期限 {until}。",
        "Card {number} stays in use, until {until}.",
    )
    DONE_SEEN = ("お知らせを確認済みにしました。", "The alert is acknowledged.")
    NEEDS_HEAD = (
        "世帯主が定まっていない世帯があります。世帯変更をしてください: "
        "juki-terminal resident change-household",
        "A household needs one head: juki-terminal resident change-household",
    )
    RECORDED_LATE = ("期間（14日）経過後の届出として記録しました。", "Recorded as late.")
    CARDS_LAPSED = ("失効したカード: {count}枚", "Cards that lapsed: {count}")
    CONTINUE_UNTIL = (
        "{name} さんのカードの継続利用: {until}まで (juki-terminal move continue-card)",
        "{name}: the card may be continued until {until} (juki-terminal move continue-card)",
    )
    BACKS_TO_WRITE = (
        "裏面に新しい住所を記載するカード: {count}枚",
        "Cards whose back needs the new address: {count}",
    )
    ALERTED = ("お知らせ: {alert}", "Alert: {alert}")
    CERTIFICATE_PRINTED = (
        "転出証明書を出力しました: {file}",
        "Certificate of moving out written: {file}",
    )
    RECEIPT_PRINTED = ("受理証を出力しました: {file}", "Receipt written: {file}")
    NO_CERTIFICATE = ("転出証明書はありません。", "There is no certificate.")
    NOT_PRINTED = (
        "届出 {number} は処理しましたが、書類を出力できませんでした。転出証明書は、"
        "原因を除いて再交付してください: juki-terminal move certificate {number} --out FILE",
        "{number} was done, and a paper was not written. Mend the cause, and issue the certificate"
        " again: juki-terminal move certificate {number} --out FILE",
    )
    RECEIPT_MISSING = (
        "届出は処理しましたが、受理証を出力できませんでした。",
        "The notice was registered, and its receipt was not written.",
    )
    PAPER_WAY = (
        "特例は利用できませんが、転出証明書があれば転入できます。転出元で交付を受け、"
        "次で届け出ます: juki-terminal move in --paper",
        "The special case is closed; a certificate of moving out, from the origin, opens the move:"
        " juki-terminal move in --paper",
    )
    ORDINARY_INSTEAD = (
        "通常の転出として受理しました。転出証明書を渡してください。",
        "Entered as an ordinary move: hand the certificate over.",
    )
    ALREADY_DONE = (
        "結果が分からなかった転入届 {number} は、登録されていました。今回は何もしていません。"
        "ほかの方の転入なら、もう一度実行してください。",
        "The move in {number}, whose outcome was unknown, was registered. Nothing was done now;"
        " for other persons, run it again.",
    )
    STILL_CLAIMED = (
        "届出 {number} の情報はこの市区町村が取得したままです。続けるには move in、"
        "取りやめるには: juki-terminal move abandon {number}",
        "The information of {number} stays fetched. Go on with move in, or give it back:"
        " juki-terminal move abandon {number}",
    )
    OUTDATED = (
        "転出元で変更がありました。もう一度 move in を実行し、内容を確認してください。",
        "The origin has changed it: run move in again, and look at it.",
    )
    REISSUE = (
        "交付済みの転出証明書は古い内容です。再交付してください: "
        "juki-terminal move certificate {number} --out FILE",
        "The printed certificate is outdated: juki-terminal move certificate {number} --out FILE",
    )
    CODES = ("届出に係る者の住民票コード: {codes}", "Codes of the persons: {codes}")
    CORRECTION = ("訂正 ({time})", "Correction ({time})")
    OTHER_CARD = (
        "注意: 指定した番号 {wanted} ではなく、リーダーのカード {number} を処理しました。",
        "Note: the card in the reader was {number}, not {wanted}.",
    )
    LISTED = ("{count}件を読み込みました。", "{count} read.")
    NO_MOVES = ("届出はありません。", "No moves.")
    NO_ALERTS = ("お知らせはありません。", "No alerts.")
    NOBODY = ("世帯員がいません。", "Nobody is in this household.")
    YES = ("はい", "yes")

    def say(self, language: Language, **facts: object) -> str:
        """Return the sentence in a language, filled in."""
        return word(self.value, language).format(**facts)
