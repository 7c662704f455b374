"""Which traffic a set of rules admits, and what a change opens and closes.

Rule -> extent (a rectangle) -> region (a step function) -> decompose (flows) -> describe, flow_json
"""

from reconciler.traffic.compare import covers, overlaps
from reconciler.traffic.describe import (
    Size,
    describe,
    describe_remote,
    describe_service,
    describe_size,
    size,
    world_open,
)
from reconciler.traffic.difference import TrafficDifference, traffic_difference
from reconciler.traffic.flow import Flow, Remote
from reconciler.traffic.flow_json import from_json, to_json
from reconciler.traffic.packet import Packet, admits
from reconciler.traffic.traffic import Traffic

__all__ = [
    "Flow",
    "Packet",
    "Remote",
    "Size",
    "Traffic",
    "TrafficDifference",
    "admits",
    "covers",
    "describe",
    "describe_remote",
    "describe_service",
    "describe_size",
    "from_json",
    "overlaps",
    "size",
    "to_json",
    "traffic_difference",
    "world_open",
]
