"""Every kind of problem that is reported with its place, under a name that stays: what tools and documents refer to."""

from enum import StrEnum
from typing import Self


class ProblemName(StrEnum):
    """The name of a kind of problem. `explanation` says in one sentence what it means."""

    explanation: str

    def __new__(cls, name: str, explanation: str) -> Self:
        """Keep the explanation beside the name."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.explanation = explanation
        return member

    # Files and folders
    NOT_FOUND = "not-found", "There is no such file or folder."
    NOT_READABLE = "not-readable", "A file cannot be read, or the path names something that is no file."
    OUTSIDE_FOLDER = "outside-folder", "A link, or a path of the settings, leads out of the folder that it belongs to."
    NO_FILES = "no-files", "A folder holds no *.yaml or *.yml file."
    NO_DOCUMENT = "no-document", "A file is empty, or holds nothing but comments."
    NOT_OURS = "not-ours", "A file or document has the keys of another tool, or in a folder none of ours."
    NOT_UTF_8 = "not-utf-8", "A text is not UTF-8."
    MORE_PROBLEMS = "more-problems", "There are more problems than are shown."

    # YAML
    MERGE_CONFLICT = "merge-conflict", "A text holds the two sides of a merge that git left to be resolved."
    YAML_SYNTAX = "yaml-syntax", "A text is not YAML."
    CONTROL_CHARACTER = "control-character", "A text holds a character that YAML does not allow."
    HIDDEN_BREAK = "hidden-break", "A character ends a line for YAML, and not for most who look at the text."
    TAB_INDENT = "tab-indent", "A line is indented with a tab, which YAML does not allow."
    NOT_CLOSED = "not-closed", "A list, a mapping or a quoted text has no end."
    ANCHOR_TWICE = "anchor-twice", "An anchor is defined twice."
    UNKNOWN_ALIAS = "unknown-alias", "An alias has no anchor before it."
    TAG_NOT_ALLOWED = "tag-not-allowed", "A YAML tag asks for more than plain data."
    WRONG_TYPE_TAG = "wrong-type-tag", "A value is not of the type that its YAML tag says."
    AMBIGUOUS_VALUE = "ambiguous-value", "An unquoted value means different things to different versions of YAML."
    DATE_FOR_TEXT = "date-for-text", "A date is where text is meant."
    NUMBER_TOO_LARGE = "number-too-large", "A number has more digits than any number of ours."
    DUPLICATE_KEY = "duplicate-key", "A mapping has a key twice."
    KEY_NOT_TEXT = "key-not-text", "A key is missing, or is not text."
    WRONG_MERGE = "wrong-merge", "A YAML merge does not take a mapping."

    # Size and shape of the data
    NOT_PLAIN_DATA = "not-plain-data", "A value handed over as data is of a type that no file can hold."
    DOCUMENT_NAME_TWICE = "document-name-twice", "Two documents handed over as data have one name."
    RECURSIVE = "recursive", "A value is a part of itself."
    TOO_DEEP = "too-deep", "A document is nested deeper than any of ours."
    TOO_LARGE = "too-large", "A document has more entries, or expands to more values, than any of ours."

    # Structure of a document
    UNKNOWN_KEY = "unknown-key", "The format has no such key here."
    MISSING_KEY = "missing-key", "A key that has to be there is missing."
    NO_VALUE = "no-value", "A key has no value."
    EMPTY = "empty", "A list or mapping that has to hold something is empty."
    NOT_A_MAPPING = "not-a-mapping", "A document, group or rule is not a mapping."
    NOTHING_DESIRED = "nothing-desired", "A document defines no groups, address groups, rule sets or policies."
    WRONG_VALUE = "wrong-value", "A key does not take such a value."
    WRONG_NAME = "wrong-name", "The cloud does not allow such a name for a group."
    WRONG_TAG = "wrong-tag", "The cloud does not allow such a key or value of a tag."
    NO_SUCH_DATE = "no-such-date", "The calendar does not have this day."
    NOT_A_REGEX = "not-a-regex", "A pattern is no regular expression."

    # The head of a document
    MISSING_TARGET = "missing-target", "A document names no project or no region, and nothing fills it in."
    TARGET_TWICE = "target-twice", "A document names a project and region twice."
    CONTRADICTS_FLAG = "contradicts-flag", "A document names another project or region than the command line."
    UNKNOWN_TARGET = "unknown-target", "No project or region that the key can see has this name, or several have it."
    CONTRADICTORY_TARGET = "contradictory-target", "The name and the id of a project or region are not of the same one."
    UNUSED_HEAD = "unused-head", "Every target overrides what the head of the document says."
    TOO_MANY_GROUPS = "too-many-groups", "The groups of a document times its targets are over the limit."
    LOCK_MISSING = "lock-missing", "An address group that others publish is not in the lock beside its file."
    LOCK_OUTDATED = "lock-outdated", "An address group has another source than the lock was made with."
    LOCK_UNREADABLE = "lock-unreadable", "A file with the name of the lock is none."
    LOCK_EDITED = "lock-edited", "A lock is not as `sgctl refresh` wrote it."
    ADDRESS_GROUP_TWICE = "address-group-twice", "An address group is defined twice, with different prefixes."
    RULE_SET_TWICE = "rule-set-twice", "A rule set is defined twice."
    RULE_SET_OF_ITSELF = "rule-set-of-itself", "A rule set uses itself, or a set that uses it in turn."
    POLICIES_TWICE = "policies-twice", "Policies are in more than one place."

    # Groups
    GROUP_TWICE = "group-twice", "A group is written twice for one project and region."
    PREVIOUS_NAME_TAKEN = "previous-name-taken", "The previous name of a group belongs to another group of the files."
    PREVIOUS_NAME_SAME = "previous-name-same", "The previous name of a group is its name."
    DEFAULT_RENAMED = "default-renamed", "The group named `default` cannot be renamed."
    ID_IN_SEVERAL_TARGETS = "id-in-several-targets", "A group with an id is in a document for several targets."
    OWNER_TAG = "owner-tag", "The tag that says who owns a group is set by hand."
    TOO_MANY_RULES = "too-many-rules", "A group has more rules than the cloud allows."
    TOO_MANY_IGNORE_RULES = "too-many-ignore-rules", "A group has more entries of `ignore_rules` than are compared."

    # Rules
    RULE_OF_ANOTHER_GROUP = (
        "rule-of-another-group",
        "A rule says by its read-only fields that it is another group's.",
    )
    IGNORED_RULE = "ignored-rule", "A written rule matches `ignore_rules`, whose live rules are left to others."
    SAME_RULE_TWICE = "same-rule-twice", "A rule is written twice, with different descriptions, dates or exceptions."
    HOST_BITS = "host-bits", "A prefix has bits set beyond its length."
    NOT_A_PREFIX = "not-a-prefix", "A text is no IP prefix, or is spelled in a way that is not taken."
    EXCLUSIVE_KEYS = "exclusive-keys", "Two keys of a rule exclude each other."
    UNKNOWN_ADDRESS_GROUP = "unknown-address-group", "No file defines the address group."
    UNKNOWN_RULE_SET = "unknown-rule-set", "No file defines the rule set."
    ETHERTYPE_MISMATCH = "ethertype-mismatch", "A prefix or a protocol is of another family than its rule."
    NO_PORTS = "no-ports", "A rule has ports, and its protocol has none."
    NOT_ICMP = "not-icmp", "A rule has an ICMP type, and its protocol is not ICMP."
    INCOMPLETE_RANGE = "incomplete-range", "A range lacks one of its ends, or an ICMP code its type."
    OUT_OF_RANGE = "out-of-range", "A port, or an ICMP type or code, is out of its range."
    BACKWARDS_RANGE = "backwards-range", "A range ends before it begins."

    # What live state brings to light
    NO_SUCH_ID = "no-such-id", "No live group has this id."
    SEVERAL_LIVE = "several-live", "Several live groups have the name, or the name and the previous name are both live."
    SAME_LIVE_GROUP = "same-live-group", "Two groups of the files are one live group."
    NAME_TAKEN = "name-taken", "A group cannot get a name, because another live group has it."
    READ_ONLY_TAG = "read-only-tag", "A tag is read-only in the cloud, with another value."
    UNKNOWN_REMOTE_GROUP = "unknown-remote-group", "A remote group is neither in a file nor live."
    RENAMED_REMOTE_GROUP = "renamed-remote-group", "A remote group is called by a name that it is about to lose."
    LEFT_OUT_REMOTE_GROUP = "left-out-remote-group", "A remote group has yet to be created, and --group leaves it out."
    PRUNED_REMOTE_GROUP = "pruned-remote-group", "A remote group would be deleted by --prune."
    RULES_MISSING = "rules-missing", "A group that does not exist yet has no `rules` key."
    OTHER_OWNER = "other-owner", "A live group belongs to another owner."
    UNPUBLISHED_PROTOCOL = "unpublished-protocol", "A rule of this protocol can be kept, but not created."

    # Lists that others publish
    LIST_UNREACHABLE = "list-unreachable", "A list that others publish cannot be fetched."
    LIST_REFUSED = "list-refused", "A list that others publish is empty, or holds what is no prefix, or a too wide one."
    LIST_CHANGED = "list-changed", "More than half of a list that others publish changed at once."

    # Settings
    SETTINGS_TWICE = "settings-twice", "Settings stand in two files of one folder."
    NOT_TOML = "not-toml", "A file of settings is not TOML."
    NOT_IN_FILES = "not-in-files", "A setting stands in no file, because it decides where the API key is sent."
    CREDENTIAL_IN_FILE = "credential-in-file", "A credential stands in a file that is shared."
