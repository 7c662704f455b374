"""A group and entries of changed rules -> the single steps the server takes. Pure.

Nothing is published about the order in which the cloud works through `changed_rules`, nor about what a failing entry
leaves behind; so both are settings here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from .fields import TagPatch
from .knobs import Order
from .neutron import Key, key, stored
from .records import ApiError, Group, Rule, RuleSpec, Step, Tag
from .validation import Deletion

Entry = RuleSpec | Deletion


@dataclass(frozen=True, slots=True)
class World:
    """What a change needs to know from outside the group."""

    now: str
    new_id: Callable[[], str]
    group_exists: Callable[[str], bool]
    max_rules: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """The steps that were taken, and the refusal that ended them early."""

    steps: tuple[Step, ...]
    error: ApiError | None = None


def ordered(entries: Sequence[Entry], order: Order) -> list[Entry]:
    """Return the entries in the order in which the server works through them."""
    if order is Order.LISTED:
        return list(entries)
    deletes_first = order is Order.DELETES_FIRST
    return sorted(entries, key=lambda entry: isinstance(entry, Deletion) is not deletes_first)


def run(group: Group, entries: Iterable[Entry], world: World) -> Outcome:
    """Works through the entries, one rule at a time, until one is refused."""
    rules = {rule.id: rule for rule in group.rules}
    keys = Counter(key(rule) for rule in group.rules)
    steps: list[Step] = []
    for entry in entries:
        try:
            if isinstance(entry, Deletion):
                rule = _remove(rules, keys, entry)
                steps.append(Step(group.id, "delete", rule.id, tuple(rules.values())))
            else:
                rule = _add(rules, keys, entry, group.id, world)
                steps.append(Step(group.id, "create", rule.id, tuple(rules.values())))
        except ApiError as refusal:
            return Outcome(tuple(steps), refusal)
    return Outcome(tuple(steps))


def towards(group: Group, specs: Sequence[RuleSpec], order: Order) -> list[Entry]:
    """Return the entries that turn a group's rules into exactly the given ones (v2 sends whole lists).

    Where the description is all that differs, the delete goes directly before its create in any order: Neutron
    refuses the create while the old rule exists. The published text names no order, so `LISTED` deletes first.
    """
    spare = Counter((key(spec), spec.description or "") for spec in map(stored, specs))
    gone: list[Rule] = []
    for rule in group.rules:
        content = key(rule), rule.description or ""
        if spare[content] > 0:
            spare[content] -= 1
        else:
            gone.append(rule)
    new: list[RuleSpec] = []
    for spec in specs:
        content = key(stored(spec)), spec.description or ""
        if spare[content] > 0:
            spare[content] -= 1
            new.append(spec)
    if order is not Order.CREATES_FIRST:
        return [*(Deletion(rule.id) for rule in gone), *new]
    entries: list[Entry] = []
    for spec in new:
        for rule in [rule for rule in gone if key(rule) == key(stored(spec))]:
            gone.remove(rule)
            entries.append(Deletion(rule.id))
        entries.append(spec)
    return [*entries, *(Deletion(rule.id) for rule in gone)]


def patched_tags(tags: tuple[Tag, ...], patch: TagPatch | None, *, wipe: bool) -> tuple[Tag, ...]:
    """Return the tags after a JSON Merge Patch (RFC 7386). Raises ApiError (400) where it names a read-only one."""
    if wipe:
        return tuple(tag for tag in tags if tag.read_only)
    result = {tag.key: tag for tag in tags}
    for name, value in (patch or {}).items():
        known = result.get(name)
        if known is not None and known.read_only:
            raise ApiError(400, "BadRequest", f"Tag {name} is read-only and cannot be modified.")
        if value is None:
            result.pop(name, None)
        else:
            result[name] = Tag(name, value)
    return tuple(result.values())


def revised(group: Group, now: str, **fields: object) -> Group:
    """Return the group with the fields, one revision later; the same group where nothing differs."""
    changed = replace(group, **fields)  # type: ignore[arg-type]  # the callers name fields of Group
    if changed == group:
        return group
    return replace(changed, updated_at=now, revision_number=group.revision_number + 1)


def new_tags(tags: Mapping[str, str] | None) -> tuple[Tag, ...]:
    """Return the tags of a new group."""
    return tuple(Tag(name, value) for name, value in (tags or {}).items())


def no_such_rule(rule_id: str) -> ApiError:
    """Return the refusal for an id that no rule has."""
    return ApiError(404, "SecurityGroupRuleNotFound", f"Security group rule {rule_id} does not exist")


def _remove(rules: dict[str, Rule], keys: Counter[Key], entry: Deletion) -> Rule:
    rule = rules.pop(entry.rule_id, None)
    if rule is None:
        raise no_such_rule(entry.rule_id)
    keys[key(rule)] -= 1
    return rule


def _add(rules: dict[str, Rule], keys: Counter[Key], asked: RuleSpec, group_id: str, world: World) -> Rule:
    spec = stored(asked)
    remote = spec.remote_group_id
    if remote is not None and remote != group_id and not world.group_exists(remote):
        raise ApiError(404, "SecurityGroupNotFound", f"Security group {remote} does not exist")
    identity = key(spec)
    if keys[identity] > 0:
        twin = next(rule.id for rule in rules.values() if key(rule) == identity)
        raise ApiError(409, "SecurityGroupRuleExists", f"Security group rule already exists. Rule id is {twin}.")
    if len(rules) >= world.max_rules:
        raise ApiError(
            409, "OverQuota", f"Quota exceeded for resources: a group holds at most {world.max_rules} rules."
        )
    rule = Rule.of(spec, world.new_id(), group_id, world.now)
    rules[rule.id] = rule
    keys[identity] += 1
    return rule
