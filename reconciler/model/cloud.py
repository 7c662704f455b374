"""Facts about the cloud that several stages need: limits, names and addresses."""

MAX_RULES = 250
"""Rules that a group holds at most, at every moment."""

DEFAULT_GROUP = "default"
"""The name of the group that every project has in every region: it is neither renamed nor deleted."""

MAX_DESCRIPTION = 255
"""Characters of a rule's description, and so of a glob that one has to match."""

MAX_PORT = 65535

MAX_ICMP = 255
"""The highest ICMP type, and the highest code."""

LARGEST_NUMBER = 10**18 - 1
"""A larger number is an id or a limit of nobody, and a plan with it could not be read again."""

MAX_NAME = 255
"""Characters of the longest name of a project or a region that is taken."""

DEFAULT_BASE_URL = "https://api.gcore.com"

DEFAULT_TIMEOUT = 25.0
"""Seconds to wait for an answer, where nothing else is said: two such waits, for a read, are less than a minute."""

DEFAULT_LOCK_TIMEOUT = 300.0
"""Seconds to wait for what another task has locked, where nothing else is said."""

DEFAULT_PARALLELISM = 16
"""Requests under way at once, where nothing else is said."""

EVERYWHERE = {"IPv4": "0.0.0.0/0", "IPv6": "::/0"}
