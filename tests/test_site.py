"""The documentation as a site: it builds without a warning and its notebooks run, which is what `make docs` does."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from mksgn_neuro.cli import COMMANDS

ROOT = Path(__file__).parents[1]
NEEDED = ("sphinx", "myst_nb", "furo", "sphinx_click")


@pytest.mark.slow
@pytest.mark.skipif(not all(map(find_spec, NEEDED)), reason="the extra [docs] is not installed: make docs")
@pytest.mark.timeout(900)
def test_the_site_builds_without_a_warning_and_has_every_page(tmp_path):
    build = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "-d", tmp_path / "read", "docs"]
    done = subprocess.run([*build, tmp_path / "site"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    pages = {page.relative_to(ROOT / "docs").with_suffix(".html") for page in (ROOT / "docs").rglob("*.md")}
    assert [page for page in pages if not (tmp_path / "site" / page).exists()] == []
    commands = (tmp_path / "site" / "reference" / "commands.html").read_text()
    assert [name for name in COMMANDS if f'id="mksgn-neuro-{name}"' not in commands] == []
    assert "mksgn_neuro.Loaded.verify" in (tmp_path / "site" / "reference" / "python.html").read_text()
