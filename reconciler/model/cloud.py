"""Facts about the cloud that several stages need: limits, names and addresses."""

MAX_RULES = 250
"""Rules that a group holds at most, at every moment."""

DEFAULT_GROUP = "default"

DEFAULT_BASE_URL = "https://api.gcore.com"

EVERYWHERE = {"IPv4": "0.0.0.0/0", "IPv6": "::/0"}
