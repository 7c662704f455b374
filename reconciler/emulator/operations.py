"""What can be done to a group, the same for both versions of the API: create, change, copy, revert, delete."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace

from .catalog import region_name
from .changes import Entry, World, new_tags, patched_tags, revised, run, towards
from .fields import TagPatch
from .knobs import Atomicity, Knobs
from .neutron import key, stored
from .policy import check_egress, check_quota
from .records import ApiError, Group, Rule, RuleSpec, Step, Tag, Target
from .store import DEFAULT_NAME, Store
from .validation import Creation

MAX_TAGS = 50
SPEC_FIELDS = fields(RuleSpec)


def create(store: Store, knobs: Knobs, target: Target, asked: Creation, by_itself: Sequence[RuleSpec]) -> Group:
    """Make a group with the rules asked for and those that come by themselves, unless they were asked for.

    Raises ApiError, and then nothing was made.
    """
    check_egress(knobs, asked.rules or ())
    with store.transaction():
        store.ensure_default(target)
        check_quota(knobs, store.count_of_region(target.region_id))
        _check_name(store, knobs, target, asked.name)
        now = store.now()
        group = Group(
            id=store.new_id(),
            target=target,
            name=asked.name,
            description=asked.description,
            region=region_name(target.region_id),
            tags=_checked(new_tags(asked.tags)),
            rules=(),
            created_at=now,
            updated_at=now,
        )
        wanted = asked.rules or ()
        asked_for = [stored(spec) for spec in wanted]  # what is not valid is refused before what is there twice
        known = {key(spec) for spec in asked_for} if by_itself else frozenset()
        entries: list[Entry] = [spec for spec in by_itself if key(spec) not in known]
        outcome = run(group, [*entries, *wanted], _world(store, knobs, target))
        if outcome.error is not None:
            raise outcome.error
        if outcome.steps:
            group = replace(group, rules=outcome.steps[-1].rules)
        store.insert(group)
        store.attach(group.id, ((instance_id, f"instance-{instance_id[:8]}") for instance_id in asked.instances))
    return group


def change(
    store: Store,
    knobs: Knobs,
    group: Group,
    entries: Iterable[Entry] = (),
    *,
    name: str | None = None,
    description: str | None = None,
    tags: TagPatch | None = None,
    wipe_tags: bool = False,
) -> Group:
    """Change a group: name, description and tags first, then one rule after the other.

    Raises ApiError when something is refused. With `Atomicity.PARTIAL` what came before it stays.
    """
    entries = list(entries)
    check_egress(knobs, entries)
    with store.transaction():
        if name is not None:
            _check_rename(store, knobs, group, name)
        fields = {
            "name": group.name if name is None else name,
            "description": group.description if description is None else description,
            "tags": _checked(patched_tags(group.tags, tags, wipe=wipe_tags)),
        }
        outcome = run(group, entries, _world(store, knobs, group.target))
        keep = outcome.error is None or knobs.atomicity is Atomicity.PARTIAL
        steps = outcome.steps if keep else ()
        result = group
        if keep:
            result = revised(group, store.now(), rules=steps[-1].rules if steps else group.rules, **fields)
            if result is group and steps:
                # A rule was deleted and its twin created, or the other way round: that is a revision too.
                result = replace(group, updated_at=store.now(), revision_number=group.revision_number + 1)
            store.save(result, group, steps)
    if outcome.error is not None:
        raise outcome.error
    return result


def copy(store: Store, knobs: Knobs, group: Group, name: str) -> Group:
    """Make a group with the same description, user tags and rules. Rules that refer to the old group still do."""
    with store.transaction():
        check_quota(knobs, store.count_of_region(group.target.region_id))
        _check_name(store, knobs, group.target, name)
        now, new_id = store.now(), store.new_id()
        rules = tuple(
            replace(rule, id=store.new_id(), security_group_id=new_id, created_at=now, updated_at=now)
            for rule in group.rules
        )
        tags = tuple(tag for tag in group.tags if not tag.read_only)
        twin = replace(
            group, id=new_id, name=name, tags=tags, rules=rules, created_at=now, updated_at=now, revision_number=1
        )
        store.insert(twin)
    return twin


def revert(store: Store, knobs: Knobs, group: Group) -> Group:
    """Bring a group back to what it was before its last change, as is published, so that twice is nothing.

    The official SDK calls it `revert_to_default`; what the cloud really does was never seen. Rules that have gone come
    back under new ids. Raises ApiError where something is refused by now.
    """
    before = store.before(group)
    specs = [RuleSpec(**{field.name: getattr(rule, field.name) for field in SPEC_FIELDS}) for rule in before.rules]
    known = {tag.key: tag for tag in before.tags}
    return change(
        store,
        knobs,
        group,
        towards(group, specs, knobs.order),
        name=before.name if before.name != group.name else None,
        description=before.description,
        tags={tag.key: None for tag in group.tags if tag.key not in known and not tag.read_only}
        | {tag.key: tag.value for tag in before.tags if not tag.read_only},
    )


def delete(store: Store, group: Group) -> None:
    """Delete a group, and every rule of other groups that refers to it, as Neutron does.

    Raises ApiError (409) for `default` and for a group in use.
    """
    if group.name == DEFAULT_NAME:
        raise ApiError(
            409, "SecurityGroupCannotRemoveDefault", "Insufficient rights for removing default security group."
        )
    if store.instances(group.id):
        raise ApiError(409, "SecurityGroupInUse", f"Security Group {group.id} in use.")
    with store.transaction():
        for other in store.referring(group):
            steps: list[Step] = []
            rules: tuple[Rule, ...] = other.rules
            for lost in (rule for rule in other.rules if rule.remote_group_id == group.id):
                rules = tuple(rule for rule in rules if rule.id != lost.id)
                steps.append(Step(other.id, "delete", lost.id, rules))
            store.save(revised(other, store.now(), rules=rules), other, steps)
        store.remove(group)


def _checked(tags: tuple[Tag, ...]) -> tuple[Tag, ...]:
    if len(tags) > MAX_TAGS:
        raise ApiError(400, "BadRequest", f"The number of tags exceed the per-resource limit of {MAX_TAGS}.")
    return tags


def _world(store: Store, knobs: Knobs, target: Target) -> World:
    return World(
        now=store.now(),
        new_id=store.new_id,
        group_exists=lambda group_id: store.exists(target, group_id),
        max_rules=knobs.max_rules,
    )


def _check_name(store: Store, knobs: Knobs, target: Target, name: str, but_id: str | None = None) -> None:
    if name.lower() == DEFAULT_NAME:
        raise ApiError(409, "SecurityGroupDefaultAlreadyExists", "Default security group already exists.")
    if knobs.unique_names and store.name_taken(target, name, but_id):
        raise ApiError(409, "Conflict", f"Security group with name {name} already exists.")


def _check_rename(store: Store, knobs: Knobs, group: Group, name: str) -> None:
    if group.name == DEFAULT_NAME:
        raise ApiError(409, "SecurityGroupCannotUpdateDefault", "Updating default security group not allowed.")
    _check_name(store, knobs, group.target, name, group.id)
