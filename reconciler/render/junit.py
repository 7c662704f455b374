"""Findings as JUnit XML, which every CI shows: a test case for each guardrail that held, one for each finding.

One that was not asked, for it is off or another command asks it, has none. What is said of the judge has one as well.

What stops is a failure, an exception or a lifted guardrail is skipped, a warning passes and says so in its output.
"""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from reconciler.model.policies import Finding
from reconciler.model.text import printable
from reconciler.policy.softened import Judge
from reconciler.render.sarif import EVERY, RULES

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def junit(findings: Sequence[Finding], command: str, lifted: Collection[str] = (), judge: Judge = EVERY) -> str:
    """Return an XML document."""
    from xml.etree.ElementTree import Element, SubElement, indent, tostring  # noqa: PLC0415 - only where it is asked for

    held = [name for name in RULES if name in judge.asked and all(found.guardrail != name for found in findings)]
    skipped = sum(_is_skipped(found, lifted) for found in findings)
    failures = sum(found.stops and not _is_skipped(found, lifted) for found in findings)
    counts: Any = {"tests": str(len(held) + len(findings) + len(judge.notes)), "failures": str(failures), "errors": "0"}
    root = Element("testsuites", name="sgctl", **counts)
    suite = SubElement(root, "testsuite", name=f"sgctl {command}", skipped=str(skipped), **counts)
    for note in judge.notes:
        SubElement(suite, "testcase", classname="sgctl.judge", name=_text(note))
    for found in findings:
        _add_finding(suite, found, lifted)
    for name in held:
        SubElement(suite, "testcase", classname=f"sgctl.{name}", name=f"not this: {RULES[name]}")
    indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _add_finding(suite: "Element", finding: Finding, lifted: Collection[str]) -> None:
    from xml.etree.ElementTree import SubElement  # noqa: PLC0415 - only where it is asked for

    message = _text(finding.message)
    place = _text(str(finding.place)) if finding.place else ""
    name = " ".join(filter(None, (_text(finding.group or ""), place))) or message
    case = SubElement(suite, "testcase", classname=f"sgctl.{finding.guardrail}", name=name)
    text = f"{place}: {message}" if place else message
    if finding.exception is not None:
        agreed = f"excepted until {finding.exception.until}: {_text(finding.exception.reason)}"
        SubElement(case, "skipped", message=agreed).text = text
    elif _is_skipped(finding, lifted):
        SubElement(case, "skipped", message=f"lifted with {finding.flag}").text = text
    elif finding.stops:
        SubElement(case, "failure", message=message, type=finding.guardrail).text = text
    else:
        SubElement(case, "system-out").text = f"warning: {text}"


def _is_skipped(finding: Finding, lifted: Collection[str]) -> bool:
    return finding.exception is not None or (finding.level == "error" and finding.guardrail in lifted)


def _text(text: str) -> str:
    """Keep what XML 1.0 may hold: no control characters, surrogates or non-characters, even escaped."""
    return printable(text)
