"""The page that strangers follow: its code runs as it stands, and every file that it ends in is verified."""

import re
from functools import partialmethod
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner

import mksgn_neuro as mk
from mksgn_neuro.cli import cli

PAGE = Path(__file__).parents[1] / "docs" / "your-own-network.md"
FILES = {
    "snnTorch": ["snntorch.net"],
    "SpikingJelly": ["spikingjelly.net"],
    "sinabs": ["sinabs.net"],
    "lava-dl": ["lava_dl.net", "again.net"],
    "Your own torch code": ["own.net"],
}
OPTIONAL = {
    "snntorch": "snntorch is an optional peer: pip install '.[peers]'",
    "spikingjelly": "spikingjelly is an optional peer: pip install '.[peers]'",
    "lava": "lava-dl needs Python 3.10",
}


def sections() -> dict[str, str]:
    """The page's text by heading."""
    _, *parts = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {part.splitlines()[0]: part for part in parts}


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def run_section(title: str) -> list[object]:
    """Run the blocks one after the other, as a reader would; what was printed on the way."""
    text = sections()[title]
    for package, reason in OPTIONAL.items():
        if re.search(rf"^(import|from) {package}\b", text, flags=re.MULTILINE) and find_spec(package) is None:
            pytest.skip(reason)
    shown: list[object] = []
    names = {"print": shown.append}
    for block in blocks(text, "python"):
        exec(compile(block, f"{PAGE.name}, {title}", "exec"), names)
    return shown


def require_printed(title: str, shown: list[object]) -> None:
    """What the page says in a comment behind a print is what was printed."""
    comments = re.findall(r"^print\(.*\)(?:  # (.*))?$", sections()[title], flags=re.MULTILINE)
    for value, comment in zip(shown, comments, strict=True):
        assert comment in ("", str(value)), (title, comment)


def check(title: str, folder: Path) -> None:
    shown = run_section(title)
    require_printed(title, shown)
    verified = [each for each in shown if isinstance(each, mk.Verified)]
    assert len(verified) == len(FILES[title])
    for each in verified:
        assert each.ok and any(check.spikes for check in each.checks), str(each)
        assert all(check.populations == 2 for check in each.checks if not check.not_run), str(each)
    assert all((folder / name).exists() for name in FILES[title])


def test_every_section_with_code_is_run():
    assert {title for title, text in sections().items() if blocks(text, "python")} == set(FILES)


@pytest.mark.parametrize("title", FILES)
def test_the_code_ends_in_a_verified_file(title, tmp_path, monkeypatch):
    """Without Intel's loader, which takes longer: that is the next test's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(mk.Loaded, "verify", partialmethod(mk.Loaded.verify, lava=False))
    check(title, tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("lava") is None, reason="Lava needs Python 3.10")
@pytest.mark.parametrize("title", FILES)
def test_intels_loader_runs_the_file_with_equal_spikes(title, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check(title, tmp_path)
    verified = mk.load(tmp_path / FILES[title][0]).verify()
    assert verified.ok and not verified.not_run and verified.checks[-1].spikes, str(verified)


def test_the_two_commands_do_the_same(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(mk.Loaded, "verify", lambda *given, **options: "")
    run_section("Your own torch code")
    (tmp_path / "own.nir").rename(tmp_path / "network.nir")
    (block,) = blocks(PAGE.read_text(encoding="utf-8"), "sh")
    for line in block.splitlines():
        lava = ["--no-lava"] if " verify " in line else ["--no-verify"]
        done = CliRunner().invoke(cli, [*line.split()[1:], *lava], catch_exceptions=False)
        assert done.exit_code == 0, done.output
