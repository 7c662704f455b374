"""Nodes -> plain dictionaries, lists and scalars, with an issue for what YAML allows and a document of ours does not.

A node tree may be a graph: an alias is its anchor's node once more. `expands_too_far` looks at the graph before
anything walks it as a tree.
"""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from yaml.error import Mark
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from reconciler.loading.issues import NO_TEMPLATING, QUOTE, Budget, Issues
from reconciler.loading.nodes import COLLECTION, EMPTY, MAX_DEPTH, MERGE, TEXT, Plain, Surprise, classify
from reconciler.model.place import FilePlace, Place
from reconciler.model.policies import Policies
from reconciler.model.problems import ProblemName
from reconciler.model.text import shown

MAX_EXPANDED = 1_000_000
"""Values that the documents with aliases of a run may expand to: the rules of a thousand full groups."""

_YAML = "tag:yaml.org,2002:"
DATES = frozenset({"created_at", "updated_at", "expires", "until"})
"""Keys behind which a date needs no quotes. Some tools write the API's read-only fields without them."""
_TEXTS = frozenset({"name", "previous_name", "remote_group", "owner", "description"})
"""Keys behind which nothing but text can be meant."""
_LISTS_OF_TEXTS = frozenset({"use", "remote_address_group"})
"""Keys behind which nothing but text, or a list of texts, can be meant."""
_LEVELS = frozenset(field.name for field in fields(Policies)) | {"level"}
"""Keys behind which `off` is the level of a policy, and no boolean."""

_NULL_MEANS = {
    **dict.fromkeys(("remote_ip_prefix", "remote_group_id"), "; a written `null` means every address"),
    **dict.fromkeys(("port_range_min", "port_range_max"), "; a written `null` means every port"),
    "protocol": "; a written `null` means every protocol",
    "description": ', or `""` for none',
    **dict.fromkeys(
        ("id", "security_group_id", "created_at", "updated_at", "revision_number"), ", or leave the key out"
    ),
}
"""What to know about each key of a rule that may be null."""


def is_own_key(key: Any) -> bool:
    """Whether a key of a document is one of the user's own, which holds anchors and is ignored."""
    return isinstance(key, str) and key.startswith("x-")


class ValueReader:
    """Reads the value of each node of a file."""

    def __init__(self, path: str, issues: Issues) -> None:
        self._path = path
        self._issues = issues

    def read_document(self, root: Node) -> Any:
        """Return the value of a document. What is below a key of its own (`x-...`) is judged only where it is used."""
        if not isinstance(root, MappingNode) or not any(is_own_key(key.value) for key, _ in root.value):
            return self.read(root)
        own = [pair for pair in root.value if is_own_key(pair[0].value)]
        others = [pair for pair in root.value if not is_own_key(pair[0].value)]
        value = self.read(MappingNode(root.tag, others, root.start_mark, root.end_mark, root.flow_style))
        aside = ValueReader(self._path, Issues(0))
        return {**value, **{key.value: aside.read(child) for key, child in own}}

    def read(self, node: Node) -> Any:
        """Return the plain value of a node; what is wrong goes to the issues, and something like it is returned."""
        if isinstance(node, ScalarNode):
            return node.value if node.tag is TEXT else self._scalar(node)
        if node.tag is not COLLECTION:
            self._check_collection_tag(node)
        if isinstance(node, MappingNode):
            return self._mapping(node)
        read = self.read
        return [item.value if item.tag is TEXT else read(item) for item in node.value]

    def _mapping(self, node: MappingNode, *, of_tags: bool = False) -> dict[str, Any]:
        """Read a mapping. The keys of tags are the user's own, whatever they are called."""
        pairs = node.value
        if len({key.value for key, _ in pairs if key.tag is TEXT}) < len(pairs):
            return self._irregular_mapping(node, of_tags=of_tags)
        result: dict[str, Any] = {}
        for key, child in pairs:
            tag: Any = child.tag
            if tag is TEXT:
                result[key.value] = child.value
            elif tag.__class__ is Plain:
                result[key.value] = tag.value
                if tag is EMPTY:
                    self._check_empty(key)
            else:
                result[key.value] = self._read_text(child) if of_tags else self._read_below(key.value, child)
        return result

    def _irregular_mapping(self, node: MappingNode, *, of_tags: bool) -> dict[str, Any]:
        """Read a mapping with a merge, a key written twice or a key that is not text."""
        result: dict[str, Any] = {}
        places: dict[str, Place] = {}
        for key, child in node.value:
            if key.tag is MERGE:
                continue
            name = self._key(key, node, is_empty=child.tag is EMPTY)
            if name is None:
                continue
            if name in result:
                first = ("written first here", places[name])
                self._add(
                    key,
                    ProblemName.DUPLICATE_KEY,
                    f"the key {shown(name)} is there twice",
                    "keep one of the two",
                    (first,),
                )
            else:
                places[name] = self._place(key.start_mark)
            result[name] = self._read_text(child) if of_tags else self._read_below(name, child)
            if child.tag is EMPTY:
                self._check_empty(key)
        merges = [(key, child) for key, child in node.value if key.tag is MERGE]
        for key, child in merges:
            if key is not merges[0][0]:
                first = ("written first here", self._place(merges[0][0].start_mark))
                fix = "write `<<: [*a, *b]`: the first that has a key wins"
                self._add(key, ProblemName.DUPLICATE_KEY, "the key `<<` is there twice", fix, (first,))
            self._merge(child, result)
        return result

    def _merge(self, child: Node, result: dict[str, Any]) -> None:
        """Add what a merge brings: a key that is written, or comes from an earlier mapping of the list, stays."""
        written = child.value if isinstance(child, SequenceNode) else [child]
        parts = [part for part in written if isinstance(part, MappingNode)]
        if len(parts) < len(written):
            self._add(
                child,
                ProblemName.WRONG_MERGE,
                "`<<` takes a mapping, or a list of mappings",
                'write "<<" if it is meant as a key',
            )
            return
        for part in parts:
            for name, value in self._mapping(part).items():
                result.setdefault(name, value)

    def _key(self, key: Node, mapping: MappingNode, *, is_empty: bool) -> str | None:
        if isinstance(key, MappingNode) and key.start_mark.index == mapping.start_mark.index + 1:
            # Placed at the mapping, as is what the schema finds, which is then left out.
            message = "`{{` begins a mapping with a mapping as a key"
            self._add(mapping, ProblemName.KEY_NOT_TEXT, message, NO_TEMPLATING)
            return None
        if not isinstance(key, ScalarNode):
            kind = "a list" if isinstance(key, SequenceNode) else "a mapping"
            self._add(key, ProblemName.KEY_NOT_TEXT, f"{kind} cannot be a key", "keys are text")
            return None
        tag: object = key.tag
        if tag is TEXT or tag == _YAML + "str":
            return str(key.value)
        quoted = f'"{key.value}"'
        if isinstance(tag, Surprise):
            fix = f"write {quoted} for a key" if len(key.value) < 40 else tag.fix
            self._add(key, tag.name, tag.problem, fix, (), quoted)
        elif key.value == "":
            self._add(key, ProblemName.KEY_NOT_TEXT, "a key is missing before the colon")
        elif is_empty:
            message = f"{shown(key.value)} stands where a key begins: within braces, each comma ends a value"
            self._add(key, ProblemName.KEY_NOT_TEXT, message, "put several values into brackets, such as [80, 443]")
        else:
            fix, replacement = f'write "{shown(key.value)[1:-1]}"', quoted if isinstance(tag, Plain) else None
            message = f"the key {shown(key.value)} is not text"
            self._add(key, ProblemName.KEY_NOT_TEXT, message, fix, (), replacement)
        return str(key.value)

    def _check_empty(self, key: Node) -> None:
        """Refuse a key without a value where null would mean something: a template may have left it empty."""
        from reconciler.loading.structure import nullable_keys  # noqa: PLC0415 - only where a key has no value

        if key.value in nullable_keys("rule"):
            fix = f"write its value{_NULL_MEANS.get(key.value, '')}"
            self._add(key, ProblemName.NO_VALUE, f"`{key.value}` has no value", fix)

    def _scalar(self, node: ScalarNode) -> Any:
        tag: object = node.tag
        if isinstance(tag, Plain):
            return tag.value
        if isinstance(tag, Surprise):
            self._add(node, tag.name, tag.problem, tag.fix)
            return node.value
        return self._tagged(node)

    def _tagged(self, node: ScalarNode) -> Any:
        """Read a scalar with an explicit tag: one of text, null, boolean and numbers, whose value is of that kind."""
        name = str(node.tag).removeprefix(_YAML)
        if name == "str":
            return node.value
        meaning = classify(node.value)
        value = meaning.value if isinstance(meaning, Plain) else node.value
        kinds = {"null": "NoneType", "bool": "bool", "int": "int", "float": "float"}
        if name not in kinds:
            self._refuse_tag(node)
        elif type(value).__name__ != kinds[name]:
            self._add(
                node,
                ProblemName.WRONG_TYPE_TAG,
                f"{shown(node.value)} is not what the tag `!!{name}` says",
                "leave the tag out",
            )
        return value

    def _check_collection_tag(self, node: Node) -> None:
        expected = "map" if isinstance(node, MappingNode) else "seq"
        if node.tag != _YAML + expected:
            self._refuse_tag(node)

    def _refuse_tag(self, node: Node) -> None:
        tag = str(node.tag)
        written = "!!" + tag.removeprefix(_YAML) if tag.startswith(_YAML) else tag
        self._add(
            node,
            ProblemName.TAG_NOT_ALLOWED,
            f"the tag {shown(written)} is not allowed: a file holds plain data only",
            "leave the tag out",
        )

    def _read_below(self, name: str, child: Node) -> Any:
        """Read the value of a key, which may say how to take what is elsewhere a surprise."""
        tag: object = child.tag
        if isinstance(tag, Surprise):
            if name in _TEXTS or name in _LISTS_OF_TEXTS:
                return self._quote(child, tag)
            if (tag.name is ProblemName.DATE_FOR_TEXT and name in DATES) or (child.value == "off" and name in _LEVELS):
                return str(child.value)
        elif name in _LISTS_OF_TEXTS and tag is COLLECTION and isinstance(child, SequenceNode):
            return [self._read_text(item) for item in child.value]
        elif name == "tags" and tag is COLLECTION and isinstance(child, MappingNode):
            return self._mapping(child, of_tags=True)
        return self.read(child)

    def _read_text(self, child: Node) -> Any:
        return self._quote(child, child.tag) if isinstance(child.tag, Surprise) else self.read(child)

    def _quote(self, child: Node, surprise: Surprise) -> str:
        """Read a surprise where nothing but text can be meant."""
        text = str(child.value)
        quoted = f'"{text}"'
        self._add(child, surprise.name, surprise.problem, f"write {quoted}" if len(text) <= 60 else QUOTE, (), quoted)
        return text

    def _place(self, mark: Mark) -> Place:
        return FilePlace(self._path, mark.line + 1, mark.column + 1)

    def _add(
        self,
        node: Node,
        name: ProblemName,
        message: str,
        fix: str | None = None,
        related: tuple[tuple[str, Place], ...] = (),
        replacement: str | None = None,
    ) -> None:
        self._issues.add(self._place(node.start_mark), name, message, fix, related, replacement)


def children(node: Node) -> Iterator[Node]:
    """Yield the nodes directly below a node."""
    if isinstance(node, MappingNode):
        for key, child in node.value:
            yield key
            yield child
    elif isinstance(node, SequenceNode):
        yield from node.value


def expands_too_far(root: Node, values: Budget) -> tuple[Node, ProblemName, str] | None:
    """Find the node whose aliases contain itself, or make the document too large or too deep; say which.

    `values` are those that the documents of the run may still expand to. Each node is visited once, and no call nests,
    however the aliases are chained.
    """
    sizes: dict[int, tuple[int, int]] = {}
    open_nodes: set[int] = set()
    stack: list[tuple[Node, bool]] = [(root, False)]
    while stack:
        node, done = stack.pop()
        if done:
            below = [sizes[id(child)] for child in children(node)]
            size = 1 + sum(part for part, _ in below)
            depth = 1 + max((part for _, part in below), default=0)
            if size > MAX_EXPANDED:
                return node, ProblemName.TOO_LARGE, f"the aliases in here expand to more than {MAX_EXPANDED:,} values"
            if depth > MAX_DEPTH:
                return node, ProblemName.TOO_DEEP, f"the aliases in here nest deeper than {MAX_DEPTH} levels"
            sizes[id(node)] = size, depth
            open_nodes.discard(id(node))
        elif id(node) in open_nodes:
            return node, ProblemName.RECURSIVE, "an alias in here stands for what it is a part of"
        elif id(node) not in sizes:
            open_nodes.add(id(node))
            stack.append((node, True))
            stack.extend((child, False) for child in children(node))
    expanded = sizes[id(root)][0]
    if expanded == len(sizes) or values.take(expanded):  # without an alias, it is as large as its text
        return None
    return (
        root,
        ProblemName.TOO_LARGE,
        f"up to here the aliases of all files expand to more than {MAX_EXPANDED:,} values",
    )
