"""What the commands say to people: Japanese for clerks, English for engineers.

Texts of errors are not here: they come from the descriptor (see `outcome`).
"""

from __future__ import annotations

from enum import Enum

from juki_client.outcome import Language


class Text(Enum):
    """A sentence in both languages; names in braces are filled in."""

    CARD_AWAITED = ("カードを置いてください。", "Waiting for a card.")
    CARD_IN = ("カードを確認しています。", "Card in; reading.")
    PIN_WRONG = ("暗証番号が違います。", "Wrong PIN.")
    PIN_LOCKED = (
        "暗証番号がロックされています。住所地の窓口で本人確認の後、"
        "juki-terminal card unlock で解除します (忘れたときと交付前のカードは --forgotten)。",
        "The PIN is locked. The window of the residence opens it after evidence:"
        " juki-terminal card unlock (--forgotten for a PIN that is not known,"
        " and before the hand-over).",
    )
    PIN_RIGHT = (
        "暗証番号を確認しました。カードとセンターが相互に確認しています。",
        "PIN accepted; card and center authenticate each other.",
    )
    CAN_WRONG = ("照合番号が違います。", "Wrong access number.")
    CAN_RIGHT = (
        "照合番号を確認しました。カードとセンターが相互に確認しています。",
        "Access number accepted; card and center authenticate each other.",
    )
    CARD_CHECKED = ("カードを確認しました。", "Card authenticated.")
    ASK_PIN = (
        "暗証番号(4桁)を入力してください。残り{tries}回です: ",
        "PIN (4 digits), {tries} tries left: ",
    )
    ASK_PIN_FORM = (
        "数字4桁で入力してください。試行は数えられていません。残り{tries}回です: ",
        "4 digits, please; nothing was counted. {tries} tries left: ",
    )
    ASK_CAN = (
        "照合番号(券面の右下の6桁)を入力してください: ",
        "Access number on the card's face (6 digits): ",
    )
    ASK_CAN_FORM = (
        "数字6桁で入力してください。券面の右下の照合番号です: ",
        "6 digits, please, from the card's face: ",
    )
    ASK_NEW_PIN = (
        "新しい暗証番号(4桁)を入力してください: ",
        "New PIN (4 digits): ",
    )
    ASK_NEW_PIN_AGAIN = (
        "確認のため、新しい暗証番号をもう一度入力してください: ",
        "New PIN again: ",
    )
    WATCH_CONNECTED = ("センターに接続しました。", "Connected.")
    WATCH_HOTLIST = (
        "停止一覧を更新しました。停止中のカード: {cards}件",
        "Hotlist brought up to date: {cards} cards.",
    )
    WATCH_DISCONNECTED = ("切り離されました: {subject}", "Cut off: {subject}.")
    WATCH_RECONNECTED = ("再接続されました: {subject}", "Connected again: {subject}.")
    WATCH_DESCRIPTIONS = (
        "センターの証明書情報が変わりました。",
        "The center's descriptions have changed.",
    )
    WATCH_CONFIGURATION = ("設定が変わりました。", "The settings have changed.")
    WATCH_LOST = (
        "接続が切れました ({reason})。{seconds}秒後に接続し直します。",
        "Connection lost ({reason}); again in {seconds} s.",
    )
    WATCH_RENEWED = (
        "端末の証明書を更新しました。{subject}まで有効です。",
        "The certificate was renewed; valid until {subject}.",
    )
    WATCH_TRUST = (
        "センターの新しい証明書情報に切り替えました。",
        "What the center says is to be trusted was taken over.",
    )
    WATCH_FAILED = (
        "{subject}の更新ができませんでした ({reason})。{seconds}秒後にやり直します。",
        "Keeping up {subject} failed ({reason}); again in {seconds} s.",
    )
    WATCH_ENDED = ("監視を終了しました。", "Ended.")
    WITNESS_COSIGNED = (
        "監査ログ{size}件に署名しました。必要な立会人が揃った範囲: {reached}件",
        "Cosigned {size} leaves; enough witnesses have cosigned {reached}.",
    )
    WITNESS_LATER = (
        "センターに届きません ({reason})。{seconds}秒後にもう一度確認します。",
        "The center was not reached ({reason}); again in {seconds} s.",
    )
    WITNESS_ALERT = (
        "警報: 監査ログに異常があります ({reason})。証拠は{file}にあります。"
        "センターと監査人へ直ちに連絡してください。",
        "ALERT: the audit log cannot be trusted ({reason}); the evidence is in {file}. "
        "Tell the center and the auditor at once.",
    )
    HOTLIST_FRESH = (
        "停止一覧は有効です。作成: {made}、停止中のカード: {cards}件",
        "The hotlist is fresh: made {made}, {cards} cards.",
    )
    HOTLIST_OLD = (
        "停止一覧が古いため使いません。作成: {made}。juki-terminal watch を確認してください。",
        "The hotlist is too old to be used: made {made}. Look at `juki-terminal watch`.",
    )
    HOTLIST_NOT_USED = (
        "停止一覧がないか古いため、カードの停止はセンターだけが確認します。",
        "No fresh hotlist: the center alone tells whether a card was stopped.",
    )
    PIN_CHANGED = ("暗証番号を変更しました。", "PIN changed.")
    CARD_GENUINE = (
        "このカードとセンターは、互いに本物であることを確認しました。本人の確認にはなりません。",
        "Card and center are genuine. This says nothing of who brings the card.",
    )
    ISSUING = ("交付を申請しています。", "Asking the center for the copy.")
    ISSUED = (
        "写しを交付しました。発行番号 {number}、印刷 {attempt}回目。",
        "Copy issued: {number}, paper {attempt}.",
    )
    REPORT_MISSING = (
        "印刷の報告がまだです。後で次を実行してください: juki-terminal copy status {request}",
        "The center has not heard of the paper yet; run later: juki-terminal copy status {request}",
    )
    NOT_ISSUED = ("交付されていません。初めから申請できます。", "Nothing was issued; start again.")
    GIVEN_UP = ("交付を取りやめました。発行番号 {number}。", "Given up: {number}.")
    MOVED_BEFORE_PRINT = (
        "異動の届出があったため、この写しは無効です。発行番号 {number}。"
        "出ている紙は渡さずに廃棄し、初めから申請してください。",
        "Void, because a resident on it has moved: {number}. Hand no paper over; start again.",
    )
    ASK_TRAY = (
        "発行番号 {number} の{attempt}枚目はプリンターから出ていますか。"
        " printed=出ている empty=出ていない give-up=取りやめる",
        "Paper {attempt} of {number}: what lies in the tray? printed, empty or give-up",
    )
    ISSUE_STATE = (
        "発行番号 {number}: {state} (印刷 {attempt}回)",
        "Issue {number}: {state}, printed {attempt} times",
    )
    NONE_OPEN = ("処理中の交付はありません。", "No issue is open.")
    OPEN_ISSUE = (
        "処理中: 申請 {request}、発行番号 {number}、{state} (印刷 {attempt}回)。"
        "続けるには: juki-terminal copy status --out FILE",
        "Open: request {request}, issue {number}, {state}, printed {attempt} times."
        " To finish it: juki-terminal copy status --out FILE",
    )
    READER_LINE = ("{name}: {card}", "{name}: {card}")
    WITH_CARD = ("カードあり", "card in")
    WITHOUT_CARD = ("カードなし", "no card")
    NO_READER = ("リーダーがありません。", "No reader.")
    CARD_STATUS = (
        "{reader}: 暗証番号 {pin}、残り{tries}回",
        "{reader}: PIN {pin}, {tries} tries left",
    )
    PIN_USABLE = ("使用可", "usable")
    PIN_BLOCKED = ("ロック中", "locked")
    VERDICT_VALID = (
        "この写しは真正です。発行番号 {number}。",
        "The copy is genuine: {number}.",
    )
    VERDICT_OFFLINE = (
        "センターには照会していません。回収扱いかどうかは分かりません。",
        "The center was not asked: whether the copy was recalled is not known.",
    )
    CONTENT = ("署名された内容:", "Signed content:")
    ALL_WELL = ("異常はありません。", "All checks passed.")
    ASK_NAME = ("氏名", "Name")
    ASK_MEMBER = (
        "世帯員の氏名 (終わりは空のままEnter)",
        "Name of a household member (empty to end)",
    )
    ASK_BIRTH = ("生年月日 (例: 昭和45年3月2日)", "Birth date (such as 昭和45年3月2日)")
    ASK_ADDRESS = ("書類の住所", "Address on the document")
    ASK_KIND = ("書類の種類", "Kind of document")
    ASK_NUMBER = ("書類の番号", "Number of the document")
    ASK_MUNICIPALITY = ("住所地の市区町村コード(6桁)", "Municipality of residence (6 digits)")

    def say(self, language: Language, **facts: object) -> str:
        """Return the sentence in a language, filled in."""
        ja, en = self.value
        return (ja if language is Language.JAPANESE else en).format(**facts)
