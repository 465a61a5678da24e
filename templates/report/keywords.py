"""The words of a text that carry its meaning."""

import re

from stretto.memory.tokens import fold, words

_MINOR = frozenset(
    fold(word)
    for word in (
        # English
        "a an the of to in on for at by with from and or nor but as is are was were be been being am it its this that "
        "these those they them their there here he she his her we us our you your i me my what which who whom whose "
        "when where why how whether does do did done doing can could may might must shall should will would has have "
        "had having not no yes if then than so such each every all any some many much more most other others ones one "
        "about into over under between through during before after above below up down out off again per via within "
        "without both either same different own rather instead versus prefer better best against while whereas unlike just "
        "really actually usually ever only never otherwise next last first take takes taken took taking mean means "
        # what a request says of itself
        "please tell give show list explain describe summarise summarize summary overview report write find identify "
        "say state compare comparison difference differences versus vs make create produce prepare draft analyse "
        "analyze review answer question questions document documents documentation docs doc file files folder text "
        "texts content contents page information detail details everything anything something thing things general "
        "generally main mainly key important overall brief short long exactly according based given related regarding "
        "concerning like include includes including included mention mentioned mentions kind kinds type types way ways "
        # verbs that say little
        "use uses used using work works working happen happens get gets know need needs want define defined defines "
        # Russian, Arabic, Hindi
        "как долго что где когда почему какой какая какое какие кто сколько ли в на и с по для из о у за к это не "
        "ما ماذا هل كم من في على إلى عن هو هي هذا هذه التي الذي أن إن أو كيف متى أين لماذا "
        "कितने कितना कितनी क्या कौन कब कहाँ कैसे क्यों है हैं का की के में से को पर और तक यह वह था थे "
        # German, French, Spanish
        "der die das den dem des ein eine einer eines und oder ist sind war wird werden wie was wer wo wann warum "
        "welche welcher welches für von mit auf im zu zum zur bei aus nach über unter sich nicht le la les un une du "
        "de et ou est sont quel quelle quels quelles qui que quoi comment pourquoi quand où pour par avec dans sur "
        "el los las una unos unas y o es son qué cuál cuáles quién cómo cuándo dónde por para con en del al se su"
    ).split()
)
_CJK_MINOR = re.compile(
    r"(?:要約|概要|紹介|レポート|報告書|作成|文書|文章|資料|ドキュメント|フォルダ|"
    r"ファイル|"
    r"しますか|しました|します|ですか|ますか|でしょうか|ください|下さい|について|に関する|に関して|における|とは|とその|教えて|説明して|説明|"
    r"まとめて|まとめ|一覧|注意事項|注意|事項|方法|内容|情報|何か月|何ヶ月|何日|何年|何時|何人|何|どのような|どのように|"
    r"どのくらい|どれくらい|どれだけ|かかる|どの|どれ|どこ|いつ|誰|なぜ|いくら|各|それぞれ|すべて|全て|[のはがをにでとともへや、？。]|する|した|して|され|れる|"
    r"ます|です|ある|いる|この|その|这个|那个|每个|什么|多少|哪些|哪个|如何|怎么|为什么|是否|请|的|了|和|与|吗|呢|是|有)+"
)
"""Particles and phrases between the words of Japanese and Chinese, which no spaces divide."""
_UNSPACED = re.compile("[\u0e00-\u0eff\u3041-\u30ff\u3400-\u9fff々]")


def keywords(text: str) -> tuple[str, ...]:
    """Return the words of `text` that carry its meaning, as they stand, each once."""
    kept: dict[str, str] = {}
    for word in words(text):
        for piece in _CJK_MINOR.split(word) if _UNSPACED.search(word) else [word]:
            if (len(piece) > 1 or piece.isdigit()) and fold(piece) not in _MINOR:
                kept.setdefault(fold(piece), piece)
    return tuple(kept.values())
