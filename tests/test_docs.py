"""What docs and code cite is there: files, sections, tests; and the JSON keys of docs/design.md come out."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from mksgn_neuro.cli import cli
from mksgn_neuro.data.readers.npz import save as save_clips
from mksgn_neuro.data.registry import load
from mksgn_neuro.models.store import save_model
from tests.small_models import small_model

ROOT = Path(__file__).parents[1]
PAGES = (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))
SOURCES = [p for folder in ("mksgn_neuro", "tests", "benchmarks", "examples") for p in (ROOT / folder).rglob("*.py")]
LINK = re.compile(r"\]\(([^()\s]+)\)")
CODE = re.compile(r"^```.*?^```|^ {4}.*?$", re.M | re.S)
PAGE_CITED = re.compile(r"\b((?:[\w-]+/)*[\w-]+\.md)\b(?:#([\w-]+))?")
TEST_CITED = re.compile(r"\btests/[\w/]+(?:\.py\b|/)|(?<=`)test_\w+(?=`)")


def slugs(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", CODE.sub("", page.read_text()), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def dead(page: Path, anchor: str) -> bool:
    return not page.exists() or (bool(anchor) and anchor not in slugs(page))


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_no_relative_link_is_dead(page):
    text = CODE.sub("", page.read_text())
    links = [link.partition("#") for link in LINK.findall(text) if "://" not in link]
    assert [f"{name}#{anchor}" for name, _, anchor in links if dead(page.parent / name if name else page, anchor)] == []


def test_no_page_or_section_that_code_cites_is_dead():
    sources = [p for p in SOURCES if p != Path(__file__)]
    cited = {(relative(p), *found) for p in sources for found in PAGE_CITED.findall(p.read_text())}
    from_root = [(where, name, anchor) for where, name, anchor in cited if name.startswith("docs/")]
    assert len({name for _, name, _ in from_root}) > 1  # the pattern finds something
    assert [c for c in from_root if dead(ROOT / c[1], c[2])] == []
    assert [c for c in cited if Path(c[1]).name not in {p.name for p in PAGES}] == []


def test_no_test_that_code_or_docs_cite_is_dead():
    tests = list((ROOT / "tests").rglob("test_*.py"))
    names = {name for test in tests for name in re.findall(r"\bdef (test_\w+)", test.read_text())}
    names |= {test.stem for test in tests}
    texts = {p: p.read_text() for p in (*PAGES, *SOURCES) if (ROOT / "tests") not in p.parents}
    cited = {(relative(p), found) for p, text in texts.items() for found in TEST_CITED.findall(text)}
    assert len(cited) > 10
    missing = [c for c in cited if not (ROOT / c[1]).exists() and c[1] not in names]
    assert missing == []


def documented(command: str) -> set[str]:
    """The keys in the row of a command, those after a semicolon (given in some cases only) left out."""
    row = next(x for x in (ROOT / "docs" / "design.md").read_text().splitlines() if x.startswith(f"| `{command}`"))
    return set(re.findall(r"`([a-z_]+)`", row.split("|")[2].partition(";")[0]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small quantized student, twelve clips of its classes and an array for it."""
    folder = tmp_path_factory.mktemp("docs")
    save_model(small_model(), folder / "model.pt")
    save_clips(load("synthetic", None).subset(range(12)), folder / "clips.npz")
    np.save(folder / "x.npy", np.zeros((240, 8), int))
    return folder


COMMANDS = {
    "export": "export model.pt --target loihi2 --no-verify --output out.net",
    "verify": "verify model.pt --no-lava --samples 1",
    "simulate": "simulate model.pt --limit 6",
    "simulate --input": "simulate model.pt --input x.npy",
    "inspect": "inspect model.pt",
    "data inspect": "data inspect clips.npz",
    "report": "report model.pt --limit 6 --no-verify",
    "models": "models",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_json_has_the_keys_that_the_design_promises(command, folder, monkeypatch):
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(cli, [*COMMANDS[command].split(), "--json"], catch_exceptions=False)
    assert result.exit_code == 0 and set(json.loads(result.stdout)) == documented(command)
