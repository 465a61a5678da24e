"""What people ask documents about, and the words in which documents answer. Add your own topics here."""

import re
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Topic:
    """One thing that can be asked of anything."""

    name: str
    title: str
    asked: str
    """A regular expression for the words in a goal that ask for it."""
    words: str = ""
    """Words that an answer tends to use, for search."""
    keys: str = ""
    """Keys of facts that answer it (`License: MIT`), the best first."""
    cues: str = ""
    """A regular expression that only a sentence which answers it matches."""
    not_cues: str = ""
    """A regular expression for what looks like an answer and is none."""
    identity: bool = False
    """Whether it is asked of a thing as a whole, so that a folder of many things is asked thing by thing."""

    @cached_property
    def asks(self) -> re.Pattern[str]:
        """`asked`, compiled."""
        return re.compile(self.asked, re.IGNORECASE)

    @cached_property
    def cue(self) -> re.Pattern[str] | None:
        """`cues`, compiled."""
        return re.compile(self.cues, re.IGNORECASE) if self.cues else None

    @cached_property
    def not_cue(self) -> re.Pattern[str] | None:
        """`not_cues`, compiled."""
        return re.compile(self.not_cues, re.IGNORECASE) if self.not_cues else None

    @cached_property
    def fact_keys(self) -> tuple[str, ...]:
        """`keys` as lower-case names."""
        return tuple(self.keys.lower().split())


_PURPOSE = Topic(
    "purpose",
    "Purpose",
    r"\bpurposes?\b|\b(?:is|are|it|each \w+) for\b(?! (?:the|a|an|each)\b)|\bwhat (?:is|are|does|do) (?:it|they|"
    r"each|every)\b(?: \w+){0,3} (?:for|do|about)\b|"
    r"\bwhat (?:is|are|does|do) (?:the|this|these)\b(?P<thing>(?: \w+){0,3}) (?:for|do|about)\b|"
    r"\bsummar\w+ (?:each|every)|\bdescri(?:be|ption) (?:of )?(?:each|every)|"
    r"\bused for\b|"
    r"\bwhat (?:is|are) (?:each|every)(?: \w+)?\s*[?.]?$|用途|目的|概要|何のため|"
    r"\bzweck\b|\bwozu\b|\bà quoi\b|\bpara qué\b",
    words="provides is a library tool for purpose description 目的 用途 概要",
    keys="summary description synopsis purpose 概要 目的 用途",
    cues=r"\b(?:is|are) (?:an? |the |one |designed|intended|meant|used|a set)|\b(?:provides?|implements?|"
    r"contains?|offers?|allows?|"
    r"enables?|lets you|helps)\b|\bist (?:ein|eine|der|die|das)\b|\best une?\b|\bes una?\b|です。?$|ための|"
    r"を提供|である。?$|"
    r"是一|提供",
    identity=True,
)
_LICENCE = Topic(
    "licence",
    "Licence",
    r"\blicen[cs]\w*|\bcopyright\w*|\blizenz\w*|\blicencia\w*|ライセンス|使用許諾|许可证|許可證|лицензи\w*",
    words="license licence licensed copyright terms redistribution permission MIT BSD Apache GPL ライセンス",
    keys="license-expression license licence spdx-license-identifier licenses lizenz ライセンス",
    cues=r"\b(?:licen[cs]ed|released|distributed|available|covered|offered|provided|published)\s+(?:\w+ "
    r"){0,4}?under\b|"
    r"\b(?:MIT|BSD|Apache|ISC|Mozilla Public|GNU \w+(?: \w+)? ?Public|Python Software Foundation|Creative "
    r"Commons)[\w .,-]{0,25} licen[cs]e\b|"
    r"\b(?:L|A)?GPL(?:v?\d|-\d)|under the (?:terms|conditions) of|public domain|"
    r"ライセンス(?:の下|に基づ|で(?:配布|公開|提供))|"
    r"\bLizenz\b",
    not_cues=r"\b(?:contribut\w+|pull request|by submitting)\b",
    identity=True,
)
_NETWORK = Topic(
    "network",
    "Network use",
    r"(?:\b(?:talk|connect|speak|go|reach|access|send|use)\w*(?: \w+)? (?:to |over |data )*(?:the |a "
    r")?)?\b(?:network\w*|internet)\b|\bonline\b|\bremote (?:server|service|host)s?\b|\bphones? home\b|ネットワーク|"
    r"通信|\bnetzwerk\w*|\bréseau\b|\bred\b|"
    r"联网|网络|сет[ьи]",
    words="network internet HTTP HTTPS client server socket request download connection API TLS DNS proxy "
    "websocket ネットワーク 通信 接続",
    keys="network internet ports port ネットワーク 通信",
    cues=r"\b(?:HTTP(?:S|/\d(?:\.\d)?)?|web ?socket|REST|RPC|SMTP|FTP|SSH|DNS|TLS|SSL|TCP|UDP|web|network)[- "
    r"/](?:\w+ )?(?:clients?|servers?|"
    r"requests?|connections?|sockets?|librar(?:y|ies)|APIs?|transports?|protocols?|calls?|access|traffic|proxy|"
    r"proxies|streams?)\b|"
    r"\b(?:connects?|connecting|talks?|talking|sends?|sending|listens?|listening|downloads?|downloading|"
    r"uploads?|uploading|fetch(?:es|ing)?|"
    r"requests?|access(?:es)?)\b[^.]{0,60}\b(?:network|internet|HTTPS?|remote|servers?|hosts?|URLs?|ports?|"
    r"APIs?|index(?:es)?|PyPI|web)\b|"
    r"\bnetworking\b|\bHTTP for\b|\bsockets?\b|\b(?:an?|the|async\w*|sync\w*|LLM|AI|\w+)\s+API client\b|"
    r"library for the \w+ API|\bREST API\b|System :: Networking|Internet :: (?!WWW/HTTP :: (?:WSGI|Dynamic))|"
    r"\b(?:no|without|any) (?:network|internet)\b|\bno I/?O\b|\bimplementation of (?:HTTP|TLS|SSH|FTP|DNS|SMTP|"
    r"WebSockets?)\b|ネットワーク|通信(?:し|を行|する)|インターネット|(?:に|へ)接続|\bNetzwerk\w*|\bréseau\b|联网|网络",
    not_cues=r"social network|neural network|\bnetwork of\b|\bpip install\b|issue tracker|\bslack\b|\bdiscord\b|"
    r"\bdocumentation (?:is|can)\b",
    identity=True,
)
TOPICS: dict[str, Topic] = {
    topic.name: topic
    for topic in (
        _PURPOSE,
        _LICENCE,
        _NETWORK,
        Topic(
            "author", "Authors and maintainers",
            r"\bauthors?\b|\bmaintain\w*|\bwho (?:wrote|made|owns|is responsible)\b|\bowners?\b|\bupstream\b|作者|"
            r"著者|責任者|担当",
            words="author authors maintainer maintained owner written by contributors 作者 担当者 責任者",
            keys="author maintainer author-email maintainer-email authors maintainers upstream-contact owner 作者 "
            "担当 担当者 責任者",
            cues=r"\b(?:written|created|maintained|developed|authored|owned) (?:and \w+ )?by\b|\bauthors?:|"
            r"\bmaintainers?:|担当|責任者",
            identity=True,
        ),
        Topic(
            "storage", "Storage",
            r"\bdatabases?\b|\bdata ?stores?\b|\bstorage\b|\bwhere (?:is|are) (?:the |its |their )?data (?:kept|"
            r"stored)\b|\bdatenbank\w*|データベース|保存先",
            words="database storage store stores stored data kept persisted PostgreSQL MySQL SQLite MongoDB "
            "Redis データベース 保存",
            keys="database storage db data-store データベース 保存先",
            cues=r"\b(?:PostgreSQL|Postgres|MySQL|MariaDB|SQLite|MongoDB|Redis|Elasticsearch|OpenSearch|"
            r"Cassandra|DynamoDB|Oracle|SQL Server|"
            r"ClickHouse|RocksDB|LevelDB|S3)\b|\b(?:stores?|keeps?|saves?|persists?) (?:its|their|the|all|"
            r"every)\b|\bdatabases?\b|データベース|保存",
        ),
        Topic(
            "version", "Version",
            r"\bversions?\b|\breleases?\b|バージョン|版本", words="version release released バージョン",
            keys="version release", identity=True,
        ),
        Topic(
            "requirements", "Requirements",
            r"\brequire(?:s|d|ments?)?\b|\bdepend(?:s|enc\w+)\b|\bprerequisites?\b|\bneeds?\b|必要条件|動作環境|依存",
            words="requires requirements dependencies depends prerequisites needs minimum 必要 動作環境 依存",
            keys="requires-python requires-dist depends build-depends requires dependencies 動作環境",
            cues=r"\b(?:requires?|needs?|depends? on|prerequisites?|at least|or (?:later|newer|higher))\b|必要|依存",
        ),
        Topic(
            "installation", "Installation",
            r"\binstall\w*|\bset(?:ting)?[ -]?up\b|\bget(?:ting)? started\b|インストール|導入方法|安装",
            words="install installation installed setup getting started pip apt インストール 導入",
            cues=r"\binstall\w*|\bset(?:ting)? up\b|インストール",
        ),
        Topic(
            "configuration", "Configuration",
            r"\bconfigur\w+|\bsettings?\b|\boptions?\b|設定|配置|\bkonfigur\w+",
            words="configuration configure setting settings option options default environment variable file 設定",
        ),
        Topic(
            "usage", "Usage",
            r"\b(?:usage|how (?:do|can|to|does one) (?:I |we |you |one )?use)\b|使い方|使用方法|利用方法",
            words="usage use using example run call 使い方 使用",
        ),
        Topic(
            "security", "Security",
            r"\bsecur\w+|\bvulnerab\w+|\bsafe(?:ty)?\b|\battack\w*|\bthreats?\b|セキュリティ|安全",
            words="security secure vulnerability attack trusted untrusted unsafe authentication encryption "
            "セキュリティ 安全",
        ),
        Topic(
            "limits", "Limits and known problems",
            r"\blimit\w*|\brestrict\w+|\bcaveats?\b|\bknown (?:bugs|issues|problems)\b|\bdrawbacks?\b|"
            r"\bpitfalls?\b|制限|制約|既知の問題",
            words="limitation limit limited maximum restriction caveat known issue unsupported cannot 制限 制約 上限",
            cues=r"\blimit\w*|\brestrict\w+|\bcaveats?\b|\bknown (?:bug|issue|problem)s?\b|\bcannot\b|\bnot "
            r"(?:yet )?(?:supported|implemented)\b|"
            r"\bunsupported\b|\bat most\b|\bmaximum\b|制限|制約|上限",
        ),
        Topic(
            "price", "Price",
            r"\bpric\w+|\bcosts?\b|\bfees?\b|\bhow (?:much|expensive)\b|料金|価格|費用|\bpreis\w*|\bprix\b|价格",
            words="price prices cost costs fee charge per month 料金 価格 費用 円",
            keys="price cost fee 料金 価格 費用",
            cues=r"[$€£¥]\s?\d|\d\s?(?:EUR|USD|GBP|JPY|CHF|円|€|dollars?|euros?)\b|円|\bfree of charge\b|無料|"
            r"\b(?:costs?|prices?|fees?)\b",
        ),
        Topic(
            "support", "Contact and support",
            r"\bcontacts?\b|\bsupport (?:desk|channels?|team|hours)\b|\bget help\b|\breport (?:a )?bugs?\b|"
            r"問い合わせ|連絡先|サポート窓口|窓口",
            words="contact support email mail phone help mailing list report bugs issue "
            "問い合わせ 連絡先 窓口 電話 サポート",
            keys="contact support email phone bugs 連絡先 問い合わせ 窓口 電話",
            cues=r"\b(?:contact|mailing list|support|report\w* (?:bugs?|issues?))\b|[\w.+-]+@[\w-]+\.\w+|問い合わせ|"
            r"連絡先|窓口|電話",
        ),
        Topic(
            "changes", "Changes",
            r"\bchange[sd]?\b|\bchangelogs?\b|\bwhat(?:'s| is) new\b|\bhistory\b|\bmigrat\w+|変更|更新履歴|新機能",
            words="changed changes new added removed deprecated fixed since version 変更 更新 追加",
        ),
        Topic(
            "errors", "Errors",
            r"\berrors?\b|\bexceptions?\b|\bfail\w*|\bcrash\w*|例外|エラー|障害",
            words="error errors exception raises raised fails failure エラー 例外 失敗",
        ),
        Topic(
            "comparison", "Comparison",
            r"\brather than\b|\binstead of\b|\bdifferences? between\b|\bcompared (?:to|with)\b|\bversus\b|\bvs\b|"
            r"違い|区别",
            words="rather than instead unlike whereas prefer compared difference both advantage",
            cues=r"\brather than\b|\binstead\b|\bunlike\b|\bwhereas\b|\bprefer\w*\b|\bcompar\w+|\bdiffer\w*\b|"
            r"\bin contrast\b|\bversus\b|\bvs\b|\b(?:dis)?advantages?\b|違い|一方|に対し",
        ),
        Topic(
            "duration", "Duration",
            r"\bhow long\b|何(?:か月|日|年|時間)|期間|有効期限",
            words="seconds minutes hours days weeks months years expire after until kept for 日 月 年 時間",
            cues=r"(?:\d|\b[a-z]+)[ -](?:milli)?(?:second|minute|hour|day|week|month|year)s?\b|\d ?(?:m?s|min|h)\b|"
            r"\d(?:秒|分|時間|日|週|か月|ヶ月|年)|\buntil\b|\bfor ?ever\b|\bindefinite\w+|\bpermanent\w*",
        ),
        Topic(
            "performance", "Performance",
            r"\bperforman\w+|\bfast\b|\bspeed\b|\bbenchmark\w*|\blatency\b|性能|速度",
            words="performance fast faster speed benchmark latency throughput memory 性能 速度",
        ),
    )
}  # fmt: skip

OVERVIEW_TOPICS = ("purpose", "installation", "usage", "configuration", "requirements", "limits", "security", "licence")
"""What a report on a folder covers when the goal names nothing in particular."""

_VAGUE = ("purpose", "version")
"""Topics that give way to any other that a clause asks for."""


def topic_of(text: str) -> Topic | None:
    """Return the topic that `text` asks for: the one it names last, because a clause begins with what it is about."""
    found = [(match.start(), topic) for topic in TOPICS.values() if (match := topic.asks.search(text))]
    return max(found, key=lambda each: (each[1].name not in _VAGUE, each[0]))[1] if found else None
