"""The report as one HTML file that needs nothing beside it."""

from jinja2 import Environment, PackageLoader, StrictUndefined

from .structure import Report


def render_report(report: Report) -> str:
    """Lay a report out.

    Args:
        report: What the page shows. Its texts are escaped; charts are put in as they
            are.

    Returns:
        HTML document without scripts and without references to other files.
    """
    environment = Environment(
        loader=PackageLoader(__package__, '.'),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template('report.html.jinja').render(report._asdict())
