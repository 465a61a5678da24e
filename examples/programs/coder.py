"""A coder and a reviewer: write, run the tests, have it reviewed, until both agree; then it is committed.

It runs code that a model wrote: with a real model, let it run in a container.

python coder.py                                                  writes a function
stretto run coder.py:develop "slug(title) makes a title fit for a URL" --model openai:gpt-5-mini
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from offline import System, heard, model

from stretto import Agent, Verdict, loop, person, pipeline, run, tool, workflow
from stretto.core.messages import ModelRequest

repository = System("repository")
TESTS = """
from slug import slug
assert slug("Winter Tyres!") == "winter-tyres", slug("Winter Tyres!")
assert slug("  a  b ") == "a-b", slug("  a  b ")
"""


@tool(timeout="1 min", process=True)
def run_tests(source: str) -> Verdict:
    """Run the tests against the source, in a process that can be killed."""
    with TemporaryDirectory() as folder:
        Path(folder, "slug.py").write_text(source, encoding="utf-8")
        done = subprocess.run([sys.executable, "-c", TESTS], cwd=folder, capture_output=True, text=True, check=False)
    return Verdict(done.returncode == 0, done.stderr[-2_000:])


@tool(effect="once", verify=repository.did)
def commit(source: str, *, idempotency_key: str = "") -> dict[str, str]:
    """Commit the source."""
    return repository.do(idempotency_key, slug=source)


coder = Agent(instructions="You write one Python module. Answer with its source and nothing else.", name="coder")
reviewer = Agent(instructions="You review a module: is it plain, is it documented?", name="reviewer", output=Verdict)


@workflow
async def check(source: str) -> Verdict:
    """The tests first; what passes them is reviewed."""
    tested = await run_tests(source)
    return await reviewer(source) if tested.ok else tested


agreed = loop(coder, check, until=lambda verdict: verdict.ok, max=5, otherwise=person("developer"))
develop = pipeline(agreed, commit)


# ---- stands in for a model, so that this runs without a key

FIRST = "def slug(title):\n    return title.lower().replace(' ', '-')\n"
SECOND = "import re\n\ndef slug(title):\n    return '-'.join(re.findall('[a-z]+', title.lower()))\n"
THIRD = SECOND.replace(
    "title):\n", 'title):\n    """A title as part of a URL: its words, with hyphens between them."""\n'
)


def codes(request: ModelRequest) -> str:
    """A draft, one that passes the tests, and one that the reviewer likes too."""
    told = heard(request)
    return THIRD if "docstring" in told else SECOND if "AssertionError" in told else FIRST


MODEL = model(
    {
        "You write": codes,
        "You review": lambda request: {"ok": '"""' in heard(request), "reason": "it has no docstring"},
    }
)


def main() -> dict[str, str]:
    """What was committed."""
    return dict(run(develop, "slug(title) makes a title fit for a URL", id="slug", model=MODEL))


if __name__ == "__main__":
    print(main()["slug"])
