"""Kanji that offices write for one another in the same name or place; for search keys alone.

Each group begins with the character that stands for all of it. The groups are old and new forms,
and the forms that family names and places are known to be written with. What is not listed is not
folded: a missing pair costs a candidate, a wrong one would make strangers look alike.
"""

from __future__ import annotations

from typing import Final

_NAMES: Final = """
辺邊邉边 浜濱濵 藤籐籘 高髙 崎﨑嵜碕㟢 斎斉齋齊斊 沢澤 桜櫻 島嶋嶌㠀 吉𠮷 真眞 富冨 館舘 峰峯
桑桒 薮藪籔 滝瀧 穂穗 曽曾 万萬 秋穐龝 野埜 為爲 桧檜 柳栁 梅楳 松枩 船舩 淵渕渊 横橫 青靑 清淸
内內 呂吕 戸戶 芦蘆 桝枡 槙槇 檮梼 須湏 餅餠 鴎鷗 麺麵 顔顏
"""
_OLD_AND_NEW: Final = """
亜亞 悪惡 圧壓 囲圍 医醫 壱壹 稲稻 飲飮 隠隱 栄榮 営營 衛衞 駅驛 円圓 塩鹽 縁緣 艶艷 応應 欧歐
殴毆 奥奧 温溫 穏穩 仮假 価價 画畫 会會 壊壞 懐懷 絵繪 拡擴 殻殼 覚覺 学學 岳嶽 楽樂 勧勸 巻卷
寛寬 歓歡 缶罐 観觀 関關 陥陷 気氣 帰歸 亀龜 偽僞 戯戲 犠犧 旧舊 拠據 挙擧 峡峽 挟挾 狭狹 暁曉
区區 駆驅 勲勳 薫薰 径徑 恵惠 渓溪 経經 継繼 茎莖 蛍螢 軽輕 鶏鷄 芸藝 撃擊 県縣 倹儉 剣劍劔 険險
圏圈 検檢 献獻 権權 顕顯 験驗 厳嚴 広廣 恒恆 鉱鑛 号號 国國 黒黑 砕碎 済濟 剤劑 雑雜 参參 惨慘
桟棧 蚕蠶 賛贊 残殘 糸絲 歯齒 児兒 辞辭 湿濕 実實 写寫 釈釋 寿壽 収收 従從 渋澁 獣獸 縦縱 粛肅
処處 叙敍 奨奬 将將 焼燒 称稱 証證 乗乘 剰剩 壌壤 嬢孃 条條 浄淨 状狀 畳疊 譲讓 醸釀 嘱囑 触觸
寝寢 慎愼 晋晉 尽盡 図圖 粋粹 酔醉 随隨 髄髓 数數 枢樞 声聲 静靜 摂攝 窃竊 専專 戦戰 浅淺 潜潛
銭錢 践踐 繊纖 禅禪 双雙 壮壯 捜搜 挿插 争爭 総總 聡聰 荘莊 装裝 騒騷 増增 臓臟 蔵藏 属屬 続續
堕墮 体體 対對 帯帶 滞滯 台臺 択擇 担擔 胆膽 団團 弾彈 断斷 遅遲 昼晝 虫蟲 鋳鑄 庁廳 聴聽 鎮鎭
逓遞 鉄鐵 転轉 点點 伝傳 灯燈 党黨 盗盜 当當 闘鬪 徳德 独獨 読讀 届屆 悩惱 脳腦 覇霸 廃廢 拝拜
売賣 麦麥 発發 髪髮 抜拔 蛮蠻 秘祕 払拂 仏佛 併倂 並竝 変變 弁辨瓣辯 舗舖 歩步 豊豐 褒襃 宝寶
没沒 翻飜 毎每 満滿 黙默 薬藥 訳譯 予豫 余餘 与與 誉譽 揺搖 様樣 謡謠 来來 頼賴 乱亂 覧覽 竜龍
両兩 猟獵 緑綠 塁壘 涙淚 励勵 礼禮 隷隸 霊靈 齢齡 暦曆 歴歷 恋戀 練鍊 炉爐 労勞 楼樓 湾灣 弥彌
氷冰 祷禱 瑶瑤 尭堯 遥遙 巌巖 凛凜 萌萠 穣穰 砺礪 篭籠 蝋蠟 頬頰 剥剝 填塡
"""
FOLD: Final = {
    variant: group[0] for group in (_NAMES + _OLD_AND_NEW).split() for variant in group[1:]
}
