"""What is wrong with the structure of a fragment: jsonschema finds it by the published schema, `wording` says it."""

from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from reconciler.loading import wording
from reconciler.loading.hints import WRITE, WRITE_MATCH, WRITE_OR_LEAVE_OUT, fix_key
from reconciler.loading.issues import Path, Problem
from reconciler.loading.reduce import reduce
from reconciler.loading.structure import matcher
from reconciler.loading.wording import Schema
from reconciler.model.problems import ProblemName
from reconciler.model.published import read_schema
from reconciler.model.text import shown


def explain(kind: str, value: Any) -> tuple[list[Problem], int]:
    """Say what is wrong with a fragment that `structure` found malformed, and how much more there is than is said.

    `kind` is the name of its definition in the schema. A value is wrong once, however many ways it has to be so.
    """
    reduced = reduce(kind, value)
    problems: dict[tuple[Path, bool], Problem] = {}
    for error in validator(kind).iter_errors(reduced.value):
        for leaf in _leaves(error):
            for problem in _word(kind, leaf, reduced.value):
                path = reduced.original(problem.path)
                moved = Problem(path, problem.name, problem.message, problem.fix, at_key=problem.at_key)
                problems.setdefault((path, problem.at_key), moved)
    found = list(_once(list(problems.values())))
    return found or [Problem((), ProblemName.WRONG_VALUE, f"this {_noun(kind)} is malformed")], reduced.omitted


def _once(problems: list[Problem]) -> Iterator[Problem]:
    """Leave out what is only missing because its key is misspelled."""
    fixes: defaultdict[Path, list[str]] = defaultdict(list)
    for each in problems:
        if each.name is ProblemName.UNKNOWN_KEY and each.fix:
            fixes[each.path[:-1]].append(each.fix)
    for each in problems:
        is_told = each.name is ProblemName.NOTHING_DESIRED and bool(fixes)
        if each.name is ProblemName.MISSING_KEY:
            key = each.message.split("`")[1]
            misspelled = [f"did you mean `{word}`" for word in (key, *wording.WHOLE_RULES)]
            misspelled += [f"write `{key}:", "write the list itself"]
            is_told = any(fix.startswith(tuple(misspelled)) for fix in fixes.get(each.path, ()))
        if not is_told:
            yield each


@cache
def validator(kind: str) -> Validator:
    """Build the validator of a part of the schema, one of its `$defs`."""
    return strict_validator({"$defs": _definitions(), "$ref": f"#/$defs/{kind}"})


def strict_validator(schema: Schema) -> Validator:
    """Build a validator that is stricter than jsonschema by itself in two points.

    80.0 is no integer here, and `$` does not match before a line break at the end, as it does in Python.
    """
    integers = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: value.__class__ is int)
    strict = extend(Draft202012Validator, {"pattern": _pattern}, type_checker=integers)  # type: ignore[no-untyped-call]  # its stub says nothing
    checked: Validator = strict(schema)
    return checked


def _definitions() -> dict[str, Any]:
    definitions: dict[str, Any] = read_schema("security-groups")["$defs"]
    return definitions


def _pattern(_parent: Validator, pattern: str, value: Any, _schema: Any) -> Iterator[ValidationError]:
    if isinstance(value, str) and not matcher(pattern)(value):
        yield ValidationError("the text does not match the pattern")


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    """Yield what is wrong inside of a list that may be one, instead of all the things that it is not."""
    inside = [part for part in error.context or () if part.path] if isinstance(error.instance, list) else []
    if not inside:
        yield error
    for part in inside:
        yield from _leaves(part)


def _word(kind: str, error: Any, fragment: Any) -> Iterator[Problem]:
    path: Path = tuple(error.absolute_path)
    value = error.instance
    schema = {**error.schema, "enum": list(_words(error))}
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"]) + (list(wording.WHOLE_RULES) if kind == "rule" else [])
        of_a_rule = {*_definitions()["rule"]["properties"], *wording.WHOLE_RULES}
        whole = kind.removesuffix("_item")
        ignored = [name for name, part in error.schema["properties"].items() if part.get("deprecated")]
        for key in value:
            if whole in wording.WHOLE_RULES and key not in known and key in of_a_rule:
                words = wording.key_beside_whole_rules(key, whole)
                yield Problem((*path, key), ProblemName.EXCLUSIVE_KEYS, *words, at_key=True)
            elif key not in known:
                fix = fix_key(error.schema.get("title", ""), key, value, known, ignored)
                message = f"unknown key {shown(key)}"
                yield Problem((*path, key), ProblemName.UNKNOWN_KEY, message, fix, at_key=True)
    elif error.validator == "required":
        for key in error.validator_value:
            if key not in value:
                yield Problem(path, ProblemName.MISSING_KEY, *wording.missing_key(key))
    elif "propertyNames" in error.absolute_schema_path:
        is_tag = path[-1:] == ("tags",)
        words = wording.wrong_tag_key(value, schema) if is_tag else wording.wrong_set_name(kind, value)
        name = ProblemName.WRONG_TAG if is_tag else ProblemName.WRONG_NAME if value else ProblemName.EMPTY
        yield Problem((*path, value), name, *words, at_key=True)
    else:
        words = _word_value(kind, path, value, schema, fragment)
        yield Problem(path, _name(kind, path, value), *words, at_key=value is None)


def _name(kind: str, path: Path, value: Any) -> ProblemName:
    if not path:
        return ProblemName.NOTHING_DESIRED if isinstance(value, dict) else ProblemName.NOT_A_MAPPING
    if kind == "security_group" and path == ("name",) and isinstance(value, str):
        return ProblemName.WRONG_NAME
    if kind == "security_group" and path[0] == "tags" and len(path) > 1:
        return ProblemName.WRONG_TAG
    if value is None:
        return ProblemName.NO_VALUE
    return ProblemName.EMPTY if value in ([], {}) else ProblemName.WRONG_VALUE


def _words(error: Any) -> Iterator[str]:
    """Yield the words that would have been right, of all alternatives."""
    if error.validator == "enum":
        yield from error.schema["enum"]
    for part in error.context or ():
        if part.instance is error.instance:
            yield from _words(part)


def _word_value(kind: str, path: Path, value: Any, schema: wording.Schema, fragment: Any) -> tuple[str, str | None]:
    if kind in ("address_groups", "rule_sets") and (kind == "rule_sets" or isinstance(path[-1], int) or len(path) == 1):
        word = wording.wrong_prefixes if kind == "address_groups" else wording.wrong_rule_set
        return word(str(path[0]), value, is_item=len(path) > 1)
    if not path:
        return _word_fragment(kind, value)
    if path[-2:-1] == ("tags",) and isinstance(path[-1], str):
        return wording.wrong_tag(path[-1], value, schema)
    if path == ("name",) and isinstance(value, str) and "id" not in fragment:
        return wording.wrong_group_name(value)
    key = next(str(step) for step in reversed(path) if isinstance(step, str))
    if kind == "policies" and len(path) == 1:
        return wording.wrong_policy(key, value, schema)
    for_nothing = WRITE_MATCH if "ignore_rules" in path[:-1] else None
    if kind == "policies" and len(path) == 2:
        for_nothing = WRITE if key in ("prefixes", "tags", "protocols") else WRITE_OR_LEAVE_OUT
    return wording.wrong_value(key, value, schema, is_item=isinstance(path[-1], int), for_nothing=for_nothing)


def _word_fragment(kind: str, value: Any) -> tuple[str, str | None]:
    if isinstance(value, dict):
        return "the document has neither `security_groups` nor `address_groups`, `rule_sets` or `policies`", None
    if kind == "document" and isinstance(value, list) and any(map(wording.is_rule_of_another_tool, value)):
        return wording.rules_of_another_tool()
    what = "nothing" if value is None else "an empty text" if value == "" else shown(value)
    fixes = {"document": "begin with `security_groups:`", "security_group": "begin a group with `- name:`"}
    return f"a {_noun(kind)} is a mapping, not {what}", fixes.get(kind, "begin a rule with `- direction:`")


def _noun(kind: str) -> str:
    return kind.replace("_", " ")
