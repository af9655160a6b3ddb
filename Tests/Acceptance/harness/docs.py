"""The documents, registrations and scripts that docs/ shows, taken out of its pages."""
import dataclasses
import re

from . import ROOT

FENCE = re.compile(r"^```(.*)$")


@dataclasses.dataclass
class Block:
    """A fenced block: its first word, what follows that, its text, and where it is."""

    language: str
    words: list
    text: str
    place: str


def blocks(page):
    """All fenced blocks of a page under docs/."""
    found, begin, lines = [], None, []
    for number, line in enumerate((ROOT / "docs" / page).read_text().splitlines(), 1):
        fence = FENCE.match(line.strip())
        if fence and begin is None:
            begin, lines = (number, fence[1].split(), len(line) - len(line.lstrip())), []
        elif fence:
            start, info, indent = begin
            text = "".join(line[indent:] + "\n" for line in lines)
            found.append(Block(
                info[0] if info else "", info[1:], text, f"docs/{page}:{start}"))
            begin = None
        else:
            lines.append(line)
    assert begin is None, f"docs/{page}: the block of line {begin[0]} has no end"
    return found


def marked(page, language, word):
    """The blocks ```language word … of a page."""
    return [block for block in blocks(page)
            if block.language == language and block.words[:1] == [word]]


def policy(page):
    """All documents of policy that a page shows, as one text."""
    return "---\n".join(block.text for block in marked(page, "yaml", "policy"))


def commands(page, *words):
    """The arguments after `keyward WORDS` of each such line in the shell blocks of a page."""
    found = []
    for block in blocks(page):
        if block.language != "sh":
            continue
        for line in block.text.replace("\\\n", " ").splitlines():
            fields = line.split("#")[0].split()
            if fields[:1 + len(words)] == ["keyward", *words]:
                found.append(fields[1 + len(words):])
    return found
