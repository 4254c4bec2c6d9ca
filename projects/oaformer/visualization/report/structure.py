"""What a report consists of, ready to be laid out: texts, charts and images."""

from typing import NamedTuple

Cell = str | None


class Table(NamedTuple):
    """A table of texts.

    Attributes:
        title: Heading.
        header: Names of the columns; the first column names the rows.
        rows: Cells, one per column; None where there is nothing to measure.
        note: What the numbers mean, in a sentence or two.
    """

    title: str
    header: list[str]
    rows: list[list[Cell]]
    note: str = ''


class Chart(NamedTuple):
    """A chart, or the reason why there is none.

    Attributes:
        title: Heading.
        svg: The chart as an SVG element; None where it can't be drawn.
        note: How to read it, or why it is missing.
    """

    title: str
    svg: str | None
    note: str


class Card(NamedTuple):
    """One object: its image and what was measured on it.

    Attributes:
        title: The object's class.
        image: Drawing as a JPEG data URI.
        facts: Names and values.
        warning: Why the image is missing; empty where it is there.
    """

    title: str
    image: str
    facts: list[tuple[str, str]]
    warning: str = ''


class Gallery(NamedTuple):
    """Cards of one kind, the most telling first.

    Attributes:
        name: Identifier, a word.
        title: Heading.
        note: Which objects are shown, and of how many.
        cards: The cards.
    """

    name: str
    title: str
    note: str
    cards: list[Card]


class Report(NamedTuple):
    """The whole page.

    Attributes:
        title: Title of the page.
        facts: Names and values: what was evaluated.
        highlights: Names and values of the few most important numbers.
        tables: Tables of metrics.
        confusion: Table of occluded and unoccluded objects.
        absent: Reasons, each with the names of what could not be measured for it.
        charts: Charts.
        galleries: Galleries.
        class_table: Table of the classes.
    """

    title: str
    facts: list[tuple[str, str]]
    highlights: list[tuple[str, str]]
    tables: list[Table]
    confusion: Table | None
    absent: list[tuple[str, str]]
    charts: list[Chart]
    galleries: list[Gallery]
    class_table: Table
