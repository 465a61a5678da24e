"""Count the code of the programs here, and of the tutorials they were written after: the table of README.md.

python examples/from/count.py FOLDER     FOLDER holds the peers' repositories as git directories, each as OWNER+NAME

A line counts that has more on it than a comment or text: prompts and docstrings are words, not code. Imports count. What
stands in for a provider does not: it has a column of its own. Tokens are counted in the same way, so that neither short
lines nor long ones are of use to anybody.
"""

import io
import json
import re
import subprocess
import sys
import tokenize
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
SILENT = ("COMMENT", "NL", "NEWLINE", "INDENT", "DEDENT", "ENDMARKER", "STRING", "FSTRING_END")


@dataclass(frozen=True)
class Tutorial:
    """Where a peer's program stands: files at a commit; of a page or notebook, which blocks of code belong to it."""

    repository: str
    commit: str
    paths: tuple[str, ...]
    blocks: tuple[int, ...] = ()

    def text(self, clones: Path) -> str:
        """Its code."""
        return "\n".join(self._code(self._show(clones, path)) for path in self.paths)

    def _show(self, clones: Path, path: str) -> str:
        folder = clones / self.repository.replace("/", "+")
        command = ["git", "-C", str(folder), "show", f"{self.commit}:{path}"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def _code(self, text: str) -> str:
        if not self.blocks:
            return text
        if text.startswith("{"):
            found = ["".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
        else:
            found = re.findall(r"^```python[^\n]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        return "\n".join(found[place] for place in self.blocks)


_ADK = ("sequential_agent_code_development_agent", "parallel_agent_web_research", "loop_agent_doc_improv_agent")
TUTORIALS = {
    "langgraph_supervisor": Tutorial(  # with the prebuilt supervisor, and from scratch with tasks that it words itself
        "langchain-ai/langgraph",
        "24c7a8db3f3efd28da2ba736473498d0a005a761",
        ("docs/docs/tutorials/multi_agent/agent_supervisor.md",),
        (3, 4, 6, 8, 15, 16),
    ),
    "crewai_hierarchical": Tutorial(
        "crewAIInc/crewAI",
        "f4731f5025f861c78e3af0487cc80bf5e7c64782",
        ("docs/edge/en/learn/custom-manager-agent.mdx",),
        (0,),
    ),
    "autogen_group_chat": Tutorial(  # with the user's feedback
        "microsoft/autogen",
        "027ecf0a379bcc1d09956d46d12d44a3ad9cee14",
        ("python/docs/src/user-guide/agentchat-user-guide/selector-group-chat.ipynb",),
        (0, 1, 2, 3, 4, 6, 10),
    ),
    "openai_agents_triage": Tutorial(
        "openai/openai-agents-python",
        "7f7a44f8dc0650296bd5ab6c745c9bcbaa6ac3b7",
        ("examples/customer_service/main.py",),
    ),
    "adk_workflow": Tutorial(
        "google/adk-docs",
        "979a8fa9dba9290b85ba6746686d1c274b20ca90",
        tuple(f"examples/python/snippets/agents/workflow-agents/{name}.py" for name in (*_ADK, "conditional-routing")),
    ),
    "magentic_ledger": Tutorial(
        "microsoft/agent-framework",
        "5eb3eb745e16324ac7bffb1dbe006d8f13c8d993",
        ("python/samples/03-workflows/orchestrations/magentic_human_plan_review.py",),
    ),
}


def count(text: str) -> tuple[int, int]:
    """Lines and tokens of code."""
    told, inside = [], 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        name = tokenize.tok_name[token.type]
        inside += (name == "FSTRING_START") - (name == "FSTRING_END")  # from Python 3.12 on; before, it is one string
        if not inside and name not in SILENT:
            told.append(token.start[0])
    return len(set(told)), len(told)


def ours(name: str) -> tuple[int, int]:
    """Lines and tokens of a program of this folder."""
    return count((HERE / f"{name}.py").read_text(encoding="utf-8"))


def stand_in(name: str) -> int:
    """Lines of what stands in for the provider of a program."""
    _, _, behind = (HERE / "stand_ins.py").read_text(encoding="utf-8").partition(f"# ---- {name}.py\n")
    return count(behind.partition("# ----")[0])[0]


def main(clones: Path) -> None:
    """Print the table."""
    print("| program | theirs | ours | tokens, theirs | ours | stand-in | counted |\n|---|--:|--:|--:|--:|--:|---|")
    for name, tutorial in TUTORIALS.items():
        theirs, mine = count(tutorial.text(clones)), ours(name)
        blocks = f", blocks {', '.join(map(str, tutorial.blocks))}" if tutorial.blocks else ""
        source = f"{tutorial.repository} at {tutorial.commit[:10]}: {', '.join(tutorial.paths)}{blocks}"
        print(f"| `{name}.py` | {theirs[0]} | {mine[0]} | {theirs[1]} | {mine[1]} | {stand_in(name)} | {source} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
