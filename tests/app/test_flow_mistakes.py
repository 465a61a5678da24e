import json
import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stretto import UsageError, start
from stretto.app.flows import load

HERE = Path(__file__).parent / "flow_files"

GOOD = """\
agents:
  research: {model: openai:gpt-5-mini, instructions: You research markets., tools: [search], budget: $0.20}
  write: {model: anthropic:claude-sonnet-4-6, instructions: You write reports.}
  judge: {model: openai:gpt-5-mini, output: {ok: bool}}
tools: {search: app.py:search, publish: app.py:publish}
workers: {echo: app.py:echo}
flow:
  - parallel: [{research: "{goal}: market"}, {research: "{goal}: rivals"}]
  - loop: {do: write, check: judge, until: ok}
  - review: {question: Publish this?, to: editors}
  - route: {by: app.py:ways, choices: {billing: write}, otherwise: echo}
  - ask: {question: Which channel?, type: web | print}
  - tool: publish
    with: {channel: web}
on: {cron: "0 8 * * MON"}
policy: {deny: [search]}
budget: $2
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(HERE / "app.py", tmp_path)
    (tmp_path / "broken.py").write_text("import nowhere_to_be_found\n", encoding="utf-8")
    (tmp_path / "notes.md").write_text("notes", encoding="utf-8")
    (tmp_path / "bad.json").write_text('[{"sya": 1}]', encoding="utf-8")
    return tmp_path


def complaint(folder: Path, text: str | bytes, name: str = "flow.yaml") -> str:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UsageError) as caught:
        load(path)
    return str(caught.value).replace(f"{folder}/", "")


def test_the_file_that_the_mistakes_are_made_in_is_good(folder: Path) -> None:
    (folder / "flow.yaml").write_text(GOOD, encoding="utf-8")
    assert load(folder / "flow.yaml").name == "flow"


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        (
            "policy:",
            "polcy:",
            r"flow.yaml:16: polcy: unknown key 'polcy'; a flow file has name.*did you mean 'policy'\?",
        ),
        ("question: Pub", "quesion: Pub", r":10: flow\[2\].review.quesion: unknown key.*did you mean 'question'\?"),
        ("instructions: You research markets.", "instructions: Be true, always", r":2: .*'always'.*comma needs quotes"),
        ("- loop: {do", "- lop: {do", r":9: flow\[1\]: unknown stage 'lop'; .*kinds of stages.*did you mean 'loop'\?"),
        ("- parallel: [{research", "- parallel: [{reserch", r":8: flow\[0\].*unknown stage 'reserch'; .*'research'\?"),
        ("do: write", "do: wirte", r":9: flow\[1\].loop.do: unknown stage 'wirte'; .*did you mean 'write'\?"),
        ("do: write", "do: search", r":9: .*'search' is a tool, and stands here as a worker; write `tool: search`"),
        ("tools: [search]", "tools: [serch]", r":2: agents.research.tools\[0\]: unknown tool 'serch'.*'search'\?"),
        ("tools: [search]", "tools: [search, search]", r":2: .*two tools of this agent are named 'search'"),
        ("tools: [search]", "tools: [research]", r":2: .*research -> research goes in a circle"),
        ("- tool: publish", "- tool: pubish", r":13: flow\[5\].tool: unknown tool 'pubish'.*did you mean 'publish'\?"),
        (
            "model: openai:gpt-5-mini, inst",
            "model: opnai:gpt-5, inst",
            r":2: .*unknown model provider 'opnai'.*'openai'\?",
        ),
        (
            "model: openai:gpt-5-mini, inst",
            "model: gpt-5, inst",
            r":2: .*unknown model 'gpt-5'; it is called PROVIDER:M",
        ),
        ("model: openai:gpt-5-mini, inst", 'model: "openai:", inst', r":2: .*names no model; write openai:MODEL"),
        (
            "model: openai:gpt-5-mini, inst",
            "model: , inst",
            r":2: agents.research.model: it must be text or a list \(PROV",
        ),
        ("model: openai:gpt-5-mini, inst", "model: [], inst", r":2: .*it is empty; it must have at least one item"),
        ("model: openai:gpt-5-mini, inst", "model: app.py:NUMBER, inst", r":2: .*is a int; it must be a model"),
        ("model: openai:gpt-5-mini, inst", "model: test:no.json, inst", r":2: .*unknown file 'no.json'; .*bad.json"),
        ("model: openai:gpt-5-mini, inst", "model: test:bad.json, inst", r":2: .*step 1 of the script"),
        ("instructions: You write reports.", "retry: many", r":3: .*retry: it must be a whole number, not text"),
        ("instructions: You write reports.", "retry: -1", r":3: .*retry: -1 is too small; it is at least 0"),
        ("instructions: You write reports.", "retry: true", r":3: .*whole number, not true or false"),
        ("instructions: You write reports.", "timeout: soon", r":3: .*timeout: duration 'soon' is not understood"),
        ("instructions: You write reports.", "budget: much", r":3: .*budget: budget 'much' is not understood"),
        ("instructions: You write reports.", "twin: nobody", r":3: .*unknown worker 'nobody'"),
        ("instructions: You write reports.", "instructions_file: nots.md", r":3: .*did you mean 'notes.md'\?"),
        (
            "instructions: You write reports.",
            "instructions_file: ../x.md",
            r":3: .*outside the folder of the flow file",
        ),
        ("instructions: You write reports.", "instructions: a, instructions_file: notes.md", r":3: .*keep one of them"),
        ("instructions: You write reports.", "output: txt", r":3: .*unknown type 'txt'.*did you mean 'text'\?"),
        ("instructions: You write reports.", "output: {a: [text, text]}", r":3: .*a list type has one item"),
        ("instructions: You write reports.", "output: {a b: text}", r":3: .*'a b' is no field name"),
        ("instructions: You write reports.", "output: {}", r":3: .*at least one field"),
        ("instructions: You write reports.", "output: app.py:NUMBER", r":3: .*no type|cannot cross"),
        ("echo: app.py:echo", "echo: app.py:ecko", r":6: workers.echo: unknown name 'ecko'; app.py .*'echo'\?"),
        ("echo: app.py:echo", "echo: apt.py:echo", r":6: .*unknown file 'apt.py'.*did you mean 'app.py'\?"),
        ("echo: app.py:echo", "echo: os:system", r":6: .*'os:system' names no Python; write app.py:name"),
        ("echo: app.py:echo", "echo: ../app.py:echo", r":6: .*outside the folder"),
        ("echo: app.py:echo", "echo: /usr/app.py:echo", r":6: .*outside the folder"),
        ("echo: app.py:echo", "echo: broken.py:x", r":6: .*broken.py cannot be imported: ModuleNotFoundError"),
        ("echo: app.py:echo", "echo: app.py:publish", r":6: .*is a tool, and stands here as a worker"),
        ("echo: app.py:echo", "echo: app.py:NUMBER", r":6: .*7 is not a worker"),
        ("echo: app.py:echo", "echo: flow.yaml", r":6: .*flow.yaml contains itself"),
        ("search: app.py:search", "search: app.py:NUMBER", r":5: .*is a int; a tool is a function"),
        (
            "echo: app.py:echo",
            "write: app.py:echo",
            r":6: workers.write: 'write' names one of agents as well, in line 3",
        ),
        ("echo: app.py:echo", "loop: app.py:echo", r":6: workers.loop: 'loop' is a kind of stage"),
        ("echo: app.py:echo", "a b: app.py:echo", r":6: .*'a b' is no name"),
        ("budget: $2\n", "flow: []\n", r":17: 'flow' stands twice, first in line 7; names must differ"),
        ("{goal}: market", "{gaol}: market", r":8: .*unknown placeholder '\{gaol\}'; .*did you mean '\{goal\}'\?"),
        ('"{goal}: market"', "{goal}", r":8: .*a text that begins with \{ needs quotes"),
        ("until: ok", "until: okay", r":9: .*unknown field 'okay'; the verdict has ok; did you mean 'ok'\?"),
        ("until: ok", "until: ok()", r":9: .*'ok\(\)' is no condition; write a field, `not field`, or a comparison"),
        ("check: judge, ", "", r":9: .*the verdict is string and has no fields; give the checker an output"),
        ("until: ok", "until: ok, max: 0", r":9: .*max: 0 is too small"),
        ("until: ok", "untl: ok", r":9: .*unknown key 'untl'.*'until'\?"),
        (", until: ok", "", r":9: flow\[1\].loop: a loop needs 'until': a field of the verdict"),
        ("to: editors}", "rejected: write, revise: write}", r":10: .*keep one of them"),
        ("question: Publish this?, ", "", r":10: .*a review needs 'question'"),
        (
            "choices: {billing: write}",
            "choices: {}",
            r":11: flow\[3\].route.choices: it is empty; it must have at least one",
        ),
        ("choices: {billing: write}", "choices: write", r":11: .*choices: it must be a mapping"),
        ("type: web | print", "type: web |", r":12: .*empty alternative"),
        ("with: {channel: web}", "with: {chanel: web}", r":14: .*unknown argument 'chanel'; .*'channel'\?"),
        ("with: {channel: web}", "wiht: {}", r":14: .*unknown key 'wiht'; a tool stage has tool, with"),
        ("    with: {channel: web}", "    review: Good?", r":13: flow\[5\]: tool and review stand in one stage"),
        ("0 8 * * MON", "0 8 * MON", r":15: on.cron: '0 8 \* MON' has 4 fields; cron has five"),
        ("0 8 * * MON", "0 24 * * MON", r":15: on.cron: the hour '24' of .* does not fit; it is \*, 0 to 23"),
        ("0 8 * * MON", "0 8 * * MOON", r":15: .*weekday 'MOON'.* 0 to 7 or MON to SAT"),
        ('cron: "0 8 * * MON"', "corn: x", r":15: on.corn: unknown key 'corn'; .*did you mean 'cron'\?"),
        ('cron: "0 8 * * MON"', "webhook: a b", r":15: on.webhook: 'a b' is no name"),
        ("deny: [search]", "deny: [serch]", r":16: policy.deny\[0\]: unknown tool 'serch'; .*did you mean 'search'\?"),
        ("deny: [search]", "autonomy: full", r":16: policy.autonomy: unknown value 'full'; it is one of ask-all, risk"),
        ("deny: [search]", "deny: search", r":16: policy.deny: it must be a list .*not text"),
        ("budget: $2", "budget: 2", r":17: budget: it must be text \(of the whole run, such as \$2\), not a number"),
        ("budget: $2", "budget: two", r":17: budget: budget 'two' is not understood"),
        ("flow:\n", "flow: [\n", r":8: it is not YAML: .*need quotes"),
        ("  - tool: publish", "   - tool: publish", r":13: it is not YAML: .*need quotes"),
        ("budget: $2", "budget: !!python/object:os.system x", r":17: .*(not YAML|tag).*python"),
        ("budget: $2", "budget: *b", r":17: it is not YAML: found undefined alias"),
        ("budget: $2", "name: &n [*n]", r":17: .*an alias stands inside its own anchor"),
        ("  - parallel: [{", "  - {a: b}: c\n  - parallel: [{", r":8: .*a key must be a word; .*need quotes"),
    ],
)
def test_a_mistake_is_named_with_its_place_its_rule_and_its_remedy(
    folder: Path, right: str, wrong: str, said: str
) -> None:
    assert right in GOOD
    text = GOOD.replace(right, wrong, 1)
    told = complaint(folder, text)
    assert re.search(said, told), told
    assert "\n" not in told


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "flow.yaml: the file is empty; a flow file needs `flow:`"),
        ("# nothing", "the file is empty"),
        ("just words", "flow.yaml:1: it must be a mapping, not text"),
        ("agents: {}", "flow.yaml:1: a flow file needs 'flow'"),
        ("flow: []", "flow.yaml:1: flow: it is empty; it must have at least one item"),
        ("flow:", "flow.yaml:1: flow: it must be a list"),
        ("flow: [[]]", r"flow\[0\]: it is empty"),
        ("flow: [3]", r"flow\[0\]: it must be text, not a number"),
        ("flow: [{a: b, c: d}]", "a stage is one thing, and this is 2: a, c"),
        ("flow: [{}]", "a stage is one thing"),
        ("flow: [{parallel: {}}]", "it is empty"),
        ("flow: [x]", "unknown stage 'x'; the workers of this file are none"),
        ("a: 1\n---\nb: 2", ":2: it is not YAML: but found another document"),
        (b"\xff\xfe", "byte 0 is none; save it as UTF-8"),
        ("flow: [\x00]", "flow.yaml: it is not YAML: .*"),
        ("[" * 100_000, "nested too deep"),
        (
            "name: [" + "x, " * 30_000 + "x]\nflow: [x]",
            "more than 20000 values",
        ),
        (
            "a: &a [x, x, x, x]\n"
            + "".join(f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}]\n" for a, b in zip("abcdefghi", "bcdefghij", strict=True)),
            "more than 20000 values",
        ),
    ],
)
def test_a_file_that_is_no_flow_is_refused(folder: Path, text: str | bytes, said: str) -> None:
    told = complaint(folder, text)
    assert re.search(said, told), told


def test_a_file_that_cannot_be_read_is_a_usage_error(folder: Path) -> None:
    for path in (folder / "nothing.yaml", folder):
        with pytest.raises(UsageError, match="cannot be read"):
            load(path)


def test_an_inner_flow_keeps_its_policy(folder: Path) -> None:
    (folder / "inner.yaml").write_text(
        "tools: {search: app.py:search}\nflow: [{tool: search}]\npolicy: {deny: [search]}", encoding="utf-8"
    )
    (folder / "outer.yaml").write_text("workers: {inner: inner.yaml}\nflow: [inner]", encoding="utf-8")
    assert "the policy denies search" in start(load(folder / "outer.yaml"), "EV", db=":memory:").error


def test_a_link_does_not_lead_out_of_the_folder(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "evil.py"
    outside.write_text("def f(x): return x\n", encoding="utf-8")
    (folder / "evil.py").symlink_to(outside)
    assert "stands outside the folder" in complaint(folder, "flow: [evil.py:f]")


CUTS = st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 12), st.text(max_size=6))


@given(st.lists(CUTS, min_size=1, max_size=3))
def test_whatever_is_changed_in_a_file_it_loads_or_is_a_usage_error(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[tuple[int, int, str]]
) -> None:
    text = GOOD
    for at, length, put in cuts:
        text = text[:at] + put + text[at + length :]
    assert_loads_or_complains(tmp_path_factory, text)


YAML = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["write", "{goal}", "app.py:echo"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(sorted({*re.findall(r"\w+", GOOD)})), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["agents", "flow", "on", "policy", "tools", "workers", "model"]), YAML))
def test_whatever_data_stands_in_a_file_it_loads_or_is_a_usage_error(
    tmp_path_factory: pytest.TempPathFactory, data: dict[str, object]
) -> None:
    assert_loads_or_complains(tmp_path_factory, json.dumps(data))  # JSON is YAML


def assert_loads_or_complains(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "changed"
    if not folder.exists():
        shutil.copytree(HERE, folder)
    path = folder / "flow.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        load(path)
        return
    except UsageError as error:
        told = str(error)
    assert told.startswith(str(path))
