"""Which traffic a set of rules admits, and what a change opens and closes: exactly, not sampled.

    rule -> extent (a rectangle) -> region (a step function) -> decompose (flows) -> describe, flow_json
                                    cells, spans: its columns   blocks: its prefixes

`Traffic` is the set as a value, `traffic_difference` the short way for a change, `compare` the question about two
single rules, `packet` the one about a single packet. `exposure` says what of it is open to the world.

Why own code, and not a library. Measured on Python 3.11 with 250 prefixes less 250 others, and with 250 rules less 250
others where prefixes and port ranges overlap:

- netaddr 1.3 (`IPSet`) has sets of addresses and nothing else: no ports, no groups. For the addresses alone it takes 7
  times as long.
- portion 2.6 (`IntervalDict`) could hold the plane as it is, prefixes by port sets, and takes 930 times as long
  (1.3 s for the one difference); its `Interval` takes 36 times as long for the addresses. LGPL.
- intervaltree 3.2 finds and chops intervals of one axis, and takes 11 times as long for it.
- pytricia 1.3 looks up the longest matching prefix, with no operation on sets, and is a C extension.

What none of them has is the second axis, the room for what nobody named, and a canonical way to write the result.
"""

from reconciler.traffic.describe import (
    Size,
    describe,
    describe_flow_remote,
    describe_service,
    describe_size,
    size,
    wide,
)
from reconciler.traffic.difference import TrafficDifference, traffic_difference
from reconciler.traffic.exposure import Exposure, describe_exposure, exposures, may_be_world, world_open
from reconciler.traffic.extent import covers, overlaps
from reconciler.traffic.flow import Flow, Remote
from reconciler.traffic.flow_json import from_json, to_json
from reconciler.traffic.packet import Packet, admits
from reconciler.traffic.traffic import Traffic

__all__ = [
    "Exposure",
    "Flow",
    "Packet",
    "Remote",
    "Size",
    "Traffic",
    "TrafficDifference",
    "admits",
    "covers",
    "describe",
    "describe_exposure",
    "describe_flow_remote",
    "describe_service",
    "describe_size",
    "exposures",
    "from_json",
    "may_be_world",
    "overlaps",
    "size",
    "to_json",
    "traffic_difference",
    "wide",
    "world_open",
]
