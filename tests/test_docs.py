"""Links, anchors and paths in the Markdown files lead somewhere."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
FENCE = re.compile(r'^( *)```.*?^\1```$', re.MULTILINE | re.DOTALL)
CODE = re.compile(r'`[^`\n]+`')
TARGET = re.compile(
    r'\]\(([^)\s]+)(?: "[^"]*")?\)|<(?:a|img)[^>]*? (?:href|src)="([^"]+)"'
)
PATH = re.compile(
    r'(?<![\w/.$-])(?:configs|docs|projects|tests|tools)/[\w./-]+\.(?:md|py|sh)\b'
)

# A config that the reader saves, named in its first line
SAVED = re.compile(r'^```python\n# (configs/\S+\.py)$', re.MULTILINE)


def anchors(text: str) -> set[str]:
    """Anchors of the headings of a Markdown text, by GitHub's rule."""
    counts: dict[str, int] = {}
    found = set()
    for heading in re.findall(r'^#{1,6} +(.+)$', FENCE.sub('', text), re.MULTILINE):
        visible = re.sub(r'\[([^\]]*)\]\([^)]*\)', r'\1', heading).strip().lower()
        slug = re.sub(r'[^\w\- ]', '', visible).replace(' ', '-')
        counts[slug] = counts.get(slug, -1) + 1
        found.add(f'{slug}-{counts[slug]}' if counts[slug] else slug)
    return found


def is_there(root: Path, file: str, target: str) -> bool:
    """Whether a link of a file leads to a file or heading; web addresses do."""
    if re.match(r'[a-z]+:', target):
        return True
    name, _, anchor = target.partition('#')
    path = (root / file).parent / name if name else root / file
    return path.exists() and (not anchor or anchor in anchors(path.read_text()))


def dead_references(root: Path, files: list[str]) -> list[str]:
    """References of Markdown files to files and headings that don't exist.

    Args:
        root: Folder of the repository.
        files: The Markdown files, relative to it.

    Returns:
        ``file: target`` of links and images, relative to the file, and of paths
        below the folders of the repository, in text, code and commands. Configs that
        a file has the reader save are there.
    """
    dead = []
    for file in files:
        text = (root / file).read_text()
        prose = CODE.sub('', FENCE.sub('', text))
        targets = [link or html for link, html in TARGET.findall(prose)]
        missing = [target for target in targets if not is_there(root, file, target)]
        paths = [path for path in PATH.findall(text) if path not in SAVED.findall(text)]
        missing += [path for path in paths if not (root / path).exists()]
        dead += [f'{file}: {target}' for target in dict.fromkeys(missing)]
    return dead


def test_every_reference_leads_somewhere():
    files = subprocess.check_output(['git', 'ls-files', '*.md'], cwd=ROOT, text=True)
    assert 'README.md' in files.split()
    dead = dead_references(ROOT, files.split())
    assert not dead, '\n'.join(dead)


def test_the_readme_is_short():
    assert len((ROOT / 'README.md').read_text().splitlines()) <= 200


def test_dead_references_are_found(tmp_path):
    (tmp_path / 'docs').mkdir()
    (tmp_path / 'tools').mkdir()
    (tmp_path / 'tools' / 'train.py').touch()
    (tmp_path / 'docs' / 'page.md').write_text(
        '# A `page`: [how](https://a.org), and why?\n## Twice\n## Twice\n'
        '```shell\n# no heading\npython tools/train.py configs/none.py\n```\n'
        '```python\n# configs/mine.py\n```\nconfigs/mine.py configs/mine_too.py\n'
        '[up](../README.md) [here](#twice-1) [not](#twice-2) [not](#no-heading)\n'
    )
    (tmp_path / 'README.md').write_text(
        '[page](docs/page.md#a-page-how-and-why) ![none](docs/none.jpg "Title")\n'
        '[![none](none.svg)](docs) [page](docs/page.md#none) `[code](none.md)`\n'
        '<img src="none.png"> `tools/train.py` `tools/test.py` [web](https://b.org/c)\n'
        'configs/x_*.py $MMDET/configs/other.py work_dirs/tools/other.py\n'
    )
    assert dead_references(tmp_path, ['README.md', 'docs/page.md']) == [
        'README.md: docs/none.jpg',
        'README.md: none.svg',
        'README.md: docs/page.md#none',
        'README.md: none.png',
        'README.md: tools/test.py',
        'docs/page.md: #twice-2',
        'docs/page.md: #no-heading',
        'docs/page.md: configs/none.py',
        'docs/page.md: configs/mine_too.py',
    ]
