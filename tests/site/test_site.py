"""The built site, page by page in a headless Chromium, on a desk and on a phone.

It takes mkdocs-material, mkdocstrings[python] and a Chromium, so it is no part of the default run: `pytest tests/site`.
"""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from browser import Tab, browsing, chromium

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SOURCES = sorted(
    path.relative_to(DOCS) for path in DOCS.rglob("*.md") if path.relative_to(DOCS).parts[0] not in ("examples",)
)
WIDTHS = (1280, 390)

pytestmark = [
    pytest.mark.skipif(chromium() is None, reason="no Chromium is installed: apt-get install chromium"),
    pytest.mark.skipif(
        find_spec("material") is None, reason="mkdocs-material is not installed: pip install --group docs"
    ),
]


def address_of(source: Path) -> str:
    """Where the site has a page."""
    parts = source.with_suffix("").parts
    return "/".join(["", *(parts[:-1] if parts[-1] == "index" else parts), ""]).replace("//", "/")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("site")
    build = ["mkdocs", "build", "--strict", "-q", "-f", str(ROOT / "mkdocs.yml"), "-d", str(site)]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environ |= {"NO_MKDOCS_2_WARNING": "1", "SITE_URL": "https://docs.example/"}
    subprocess.run([sys.executable, "-m", *build], check=True, env=environ)
    return site


@pytest.fixture(scope="module")
def origin(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    executable = chromium()
    assert executable is not None
    with browsing(executable, tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_a_page_fits_and_its_console_is_silent(tab: Tab, origin: str, source: Path, width: int) -> None:
    tab.open(origin + address_of(source), width=width)
    assert tab.run("document.querySelector('h1') !== null")
    assert tab.run("document.documentElement.scrollWidth") <= width
    # Pictures are shown, and as wide as the page at most.
    broken = "[...document.images].filter(one => one.complete && !one.naturalWidth).map(one => one.src)"
    assert tab.run(broken) == []
    assert tab.complaints == []


def test_on_a_phone_no_table_is_wider_than_the_page(tab: Tab, origin: str) -> None:
    wide = "[...document.querySelectorAll('.md-typeset table')].filter(one => one.scrollWidth > 390).length"
    for source in SOURCES:
        tab.open(origin + address_of(source), width=390)
        assert tab.run(wide) == 0, source


def pages(folder: Path) -> Iterator[tuple[Path, str]]:
    for path in folder.rglob("*.html"):
        yield path, path.read_text()


def test_each_link_within_the_site_leads_to_a_page_and_a_place_on_it(folder: Path) -> None:
    ids = {path: set(re.findall(r'\bid="([^"]+)"', text)) for path, text in pages(folder)}
    for path, text in pages(folder):
        if path.name == "404.html":
            continue
        for link in re.findall(r'<a\b[^>]*\bhref="([^"]*)"', text):
            if re.match(r"[a-z]+:", link):
                continue
            target, _, anchor = link.partition("#")
            goal = (path.parent / target).resolve() if target else path
            goal = goal / "index.html" if goal.is_dir() else goal
            assert goal.is_file(), f"{path.relative_to(folder)}: {link}"
            # "__comments" and the like are the theme's own.
            assert not anchor or goal.suffix != ".html" or anchor in ids[goal], f"{path.relative_to(folder)}: {link}"


def test_each_page_has_a_description_of_its_own_and_tags_for_previews(folder: Path) -> None:
    seen: dict[str, Path] = {}
    for path, text in pages(folder):
        if path.name == "404.html":
            continue
        (described,) = re.findall(r'<meta name="description" content="([^"]*)"', text)
        assert 30 <= len(described) <= 300, path
        assert described not in seen, (path, seen.get(described))
        seen[described] = path
        assert {"og:title", "og:description", "og:url", "og:image"} <= set(re.findall(r'property="(og:\w+)"', text))
    (picture,) = re.findall(r'og:image" content="https://docs.example/([^"]*)"', (folder / "index.html").read_text())
    assert (folder / picture).is_file()


def test_each_page_leads_to_the_one_before_and_the_one_after(folder: Path) -> None:
    links = ("md-footer__link--prev", "md-footer__link--next")
    ends = [path for path, text in pages(folder) if not all(link in text for link in links)]
    # The first, the last, and the page for what is not there.
    assert len(ends) == 3


def test_a_wrong_address_has_a_page_that_helps(tab: Tab, origin: str) -> None:
    tab.open(f"{origin}/404.html", width=390)
    assert "does not exist" in tab.run("document.querySelector('h1').innerText")
    leads = tab.run("[...document.querySelectorAll('.md-content li > a')].map(one => new URL(one.href).pathname)")
    assert leads == ["/", "/tutorial/", "/troubleshooting/", "/reference/"]
    assert tab.run("document.documentElement.scrollWidth") <= 390
    assert tab.complaints == []


@pytest.mark.parametrize(("system", "palette", "wanted"), [("light", "slate", "dark"), ("dark", "default", "light")])
def test_drawings_follow_the_palette_of_the_page(tab: Tab, origin: str, system: str, palette: str, wanted: str) -> None:
    tab.open(origin + "/explanation/state-machine/", width=1280, scheme=system)
    tab.run(f"document.body.setAttribute('data-md-color-scheme', '{palette}')")
    assert tab.run("getComputedStyle(document.querySelector('article img')).colorScheme") == wanted


# Copy buttons


def test_only_what_can_be_typed_or_saved_can_be_copied(tab: Tab, origin: str) -> None:
    buttons = """[...document.querySelectorAll('.highlight:has(.md-code__button[data-md-type="copy"], .md-clipboard)')]
        .map(block => [block.className, block.querySelector('code').innerText])"""
    copied = 0
    for source in SOURCES:
        tab.open(origin + address_of(source), width=1280)
        for kind, text in tab.run(buttons):
            copied += 1
            assert not re.search("output|doc-signature", kind), (source, text)
            assert not re.search(r"^(?:\$|>>>) ", text, re.MULTILINE), (source, text)
            if "language-sh" in kind.split():
                assert subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True).returncode == 0, text
                assert max(map(len, text.splitlines())) <= 80, (source, text)
    assert copied > 100


# The search


@pytest.mark.parametrize("words", ["docker", "429", "quota", "proxy", "absent", "rotate", "fingerprint"])
def test_the_search_finds(tab: Tab, origin: str, words: str) -> None:
    found = search(tab, origin, words)
    assert any(words in text.lower() for text in found), found


@pytest.mark.parametrize("words", ["429", "quota"])
def test_in_the_search_an_answer_comes_before_a_list(tab: Tab, origin: str, words: str) -> None:
    first, *_ = search(tab, origin, words)
    assert first.startswith("Troubleshooting")


def search(tab: Tab, origin: str, words: str) -> list[str]:
    """The results of a search, the best first."""
    tab.open(origin + "/", width=1280)
    tab.run("document.querySelector('[data-md-toggle=search]').click()")
    tab.run(f"""(() => {{
        const box = document.querySelector('[data-md-component=search-query]');
        box.focus();
        box.value = {json.dumps(words)};
        box.dispatchEvent(new Event('input', {{bubbles: true}}));
        box.dispatchEvent(new KeyboardEvent('keyup', {{bubbles: true}}));
    }})()""")
    found: list[str] = tab.run("""new Promise(done => {
        const end = Date.now() + 30000;
        const look = () => {
            const links = [...document.querySelectorAll('.md-search-result__item a')].map(one => one.innerText);
            links.length || Date.now() > end ? done(links) : setTimeout(look, 50);
        };
        look();
    })""")
    return found
