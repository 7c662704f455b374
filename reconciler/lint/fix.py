"""The loop that mends: find, rewrite, prove, and again, until nothing is left that can be mended."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.lint.check import find_rules, lint
from reconciler.lint.findings import LintFinding, Remedy
from reconciler.lint.prove import same_documents, same_sets, same_state
from reconciler.lint.rewrite import CannotRewrite, edits_for
from reconciler.lint.text import OverlapError, Text
from reconciler.lint.written import WrittenRule
from reconciler.loading.desired import desired_state
from reconciler.loading.document import YamlDocument, read_text
from reconciler.loading.head import Defaults
from reconciler.loading.issues import Budget, Issues
from reconciler.loading.rule_sets import read_shared
from reconciler.model.desired import DesiredState
from reconciler.model.live import LiveState
from reconciler.model.policies import Policies

_MOST_PASSES = 1000
"""Each pass leaves fewer rules or entries than before, so the loop ends by itself; this is what a bug would meet."""

MAX_MENDING = 40_000_000
"""Bytes of files that a run reads again, to find and to prove: less than a minute of work."""

_BOM = b"\xef\xbb\xbf"
_Files = dict[str, tuple[YamlDocument, ...]]


@dataclass(frozen=True, slots=True)
class Fixed:
    """What mending came to: the new text of each file that changes, what was mended, and what is left.

    Places of `mended` are those at which the finding stood when its turn came.
    """

    texts: Mapping[str, bytes]
    mended: tuple[LintFinding, ...]
    left: tuple[LintFinding, ...]


def fix(
    documents: Sequence[YamlDocument],
    state: DesiredState,
    defaults: Defaults,
    policies: Policies | None = None,
    *,
    ignored: Iterable[str] = (),
    live: LiveState | None = None,
) -> Fixed:
    """Mend valid documents. Pure: nothing is written.

    What cannot be edited, or after which anything but the way of writing it would differ, is left and says so.
    """
    mender = _Mender(documents, state, defaults, policies, frozenset(ignored))
    for _ in range(_MOST_PASSES):
        if not mender.mend_once():
            break
    left = [mender.excuse(each) for each in lint(mender.documents, state, live) if each.kind not in mender.ignored]
    return Fixed(mender.texts(), tuple(mender.mended), tuple(left))


class _Mender:
    """The files as they are after each pass."""

    def __init__(
        self,
        documents: Sequence[YamlDocument],
        state: DesiredState,
        defaults: Defaults,
        policies: Policies | None,
        ignored: frozenset[str],
    ) -> None:
        self.mended: list[LintFinding] = []
        self.ignored = ignored
        self._state = state
        self._outside = (defaults, policies)
        by_file: defaultdict[str, list[YamlDocument]] = defaultdict(list)
        for document in documents:
            by_file[document.source.path].append(document)
        self._files: _Files = {path: tuple(found) for path, found in by_file.items()}
        self._first = {path: found[0].source.data for path, found in self._files.items()}
        self._sets = read_shared(documents, Issues()).rule_sets
        self._refused: dict[tuple[str | None, ...], str] = {}
        self._work = Budget(MAX_MENDING)

    @property
    def documents(self) -> tuple[YamlDocument, ...]:
        """All documents, in the order of files."""
        return tuple(document for found in self._files.values() for document in found)

    def texts(self) -> dict[str, bytes]:
        """Return the files that changed."""
        now = {path: found[0].source.data for path, found in self._files.items()}
        return {path: data for path, data in now.items() if data != self._first[path]}

    def excuse(self, finding: LintFinding) -> LintFinding:
        """Say of a finding why it was left."""
        why = self._refused.get(_key(finding))
        if not why and finding.remedy and self._work.is_spent:
            why = (
                f"the files were read again for more than {MAX_MENDING:,} bytes, over the limit of {MAX_MENDING:,}: "
                "mend fewer files at a time"
            )
        return replace(finding, remedy=None, left=why) if why else finding

    def mend_once(self) -> bool:
        """Mend what can be mended at once, file by file; tell whether anything was."""
        if self._work.is_spent:
            return False
        self._read_again()
        by_file: defaultdict[str, list[LintFinding]] = defaultdict(list)
        used: set[WrittenRule] = set()
        for finding in find_rules(self.documents):
            if finding.remedy is None or finding.kind in self.ignored or _key(finding) in self._refused:
                continue
            if used.isdisjoint(finding.remedy.rules):
                used.update(finding.remedy.rules)
                by_file[finding.place.source].append(finding)
        mended = [self._mend_file(path, findings) for path, findings in by_file.items()]
        return any(mended)

    def _mend_file(self, path: str, findings: Sequence[LintFinding]) -> bool:
        """Mend a file as a whole; where that does not come out right, half of it, down to the finding at fault."""
        if self._work.is_spent:
            return False
        problem = self._try(path, findings)
        if not problem:
            return True
        if len(findings) == 1:
            self._refused[_key(findings[0])] = problem
            return True  # something was decided: the next pass goes on without it
        return self._mend_file(path, findings[: len(findings) // 2])

    def _read_again(self) -> None:
        self._work.take(sum(len(found[0].source.data) for found in self._files.values()))

    def _try(self, path: str, findings: Sequence[LintFinding]) -> str:
        """Carry out the remedies of a file and prove them; return why they do not hold, or keep the result."""
        self._read_again()
        before = self._files[path]
        remedies: list[Remedy] = [finding.remedy for finding in findings if finding.remedy]
        data = before[0].source.data
        try:
            text = Text.of(data)
            new = text.replace(edits_for(text, remedies))
        except CannotRewrite as error:
            return str(error)
        except OverlapError:
            return "its text overlaps with that of another finding"
        after, issues = read_text(path, (_BOM if data.startswith(_BOM) else b"") + new.encode())
        if issues:
            return "its text cannot be edited"
        problem = same_documents(before, after, remedies)
        if problem:
            return problem
        documents = tuple(each for name, found in self._files.items() for each in (after if name == path else found))
        state, issues = desired_state(documents, *self._outside)
        problem = "the loader would refuse the result" if issues else same_state(self._state, state)
        problem = problem or same_sets(self._sets, read_shared(documents, Issues()).rule_sets)
        if problem:
            return problem
        self._files[path] = after
        self.mended += findings
        return ""


def _key(finding: LintFinding) -> tuple[str | None, ...]:
    """Recognise a finding after lines have moved: by the rules it is about."""
    rules = finding.remedy.rules if finding.remedy else ()
    return (
        finding.kind,
        finding.group,
        finding.rule_set,
        repr([(rule.document.source.path, rule.value) for rule in rules]),
    )
