"""Projects, regions and instances as the API writes them, the same every time. Any project and any region exist.

Region 76 is the live API's Luxembourg-2; the published examples call region 7 Luxembourg 1.
"""

from __future__ import annotations

from typing import Any

BEGINNING = "2019-06-18T11:56:16"  # projects and regions have times without a zone
CLIENT_ID = 1
USER_ID = 1
REGIONS = (
    (7, "Luxembourg 1", "luxembourg-1", "LU", "EMEA", ("49.6116", "6.1319")),
    (76, "Luxembourg-2", "luxembourg-2", "LU", "EMEA", ("49.6116", "6.1319")),
)
PROJECTS = ((1, "default", True), (1337, "staging", False), (4242, "production", False))

CDN_ADDRESSES = {
    "addresses": ["198.51.100.0/26", "198.51.100.128/25", "203.0.113.64/27", "203.0.113.200/32"],
    "addresses_v6": ["2001:db8:cd::/48", "2001:db8:cd1::/48"],
}
EGRESS_RANGES = ["192.0.2.0/26", "192.0.2.129/32"]
"""Public lists, of addresses that are kept for documentation."""


def region_name(region_id: int) -> str:
    """Return a region's display name."""
    return next((name for known, name, *_ in REGIONS if known == region_id), f"Region {region_id}")


def regions() -> list[dict[str, Any]]:
    """Return the regions that the list names."""
    return [region(region_id) for region_id, *_ in REGIONS]


def region(region_id: int) -> dict[str, Any]:
    """Return a region as the API answers it."""
    found = next((row for row in REGIONS if row[0] == region_id), None)
    slug, country, zone, place = found[2:] if found else (f"region-{region_id}", "LU", "EMEA", ("0.0", "0.0"))
    return {
        "id": region_id,
        "display_name": region_name(region_id),
        "keystone_name": f"ED-{region_id}",
        "keystone_id": region_id,
        "slug": slug,
        "state": "ACTIVE",
        "country": country,
        "zone": zone,
        "coordinates": {"latitude": place[0], "longitude": place[1]},
        "task_id": None,
        "endpoint_type": "public",
        "external_network_id": None,
        "created_on": BEGINNING,
        "created_at": BEGINNING,
        "vlan_physical_network": "br-ex",
        "available_volume_types": None,
        "file_share_types": None,
        "metrics_database_id": None,
        "access_level": "core",
        "has_kvm": True,
        "has_baremetal": False,
        "has_basic_vm": True,
        "has_sfs": False,
        "has_dbaas": False,
        "has_ddos": False,
        "has_k8s": False,
        "has_ai": False,
        "has_ai_gpu": False,
    }


def project(project_id: int) -> dict[str, Any]:
    """Return a project as the API answers it."""
    names = {known: (name, is_default) for known, name, is_default in PROJECTS}
    name, is_default = names.get(project_id, (f"project-{project_id}", False))
    return {
        "id": project_id,
        "client_id": CLIENT_ID,
        "name": name,
        "description": None,
        "is_default": is_default,
        "state": "ACTIVE",
        "created_at": BEGINNING,
        "deleted_at": None,
        "task_id": None,
    }


def instance(instance_id: str, name: str, project_id: int, region_id: int, groups: list[str]) -> dict[str, Any]:
    """Return a small virtual machine that uses the named groups, as the API answers it."""
    flavor = "g1-standard-1-2"
    return {
        "id": instance_id,
        "name": name,
        "created_at": f"{BEGINNING}Z",
        "status": "ACTIVE",
        "vm_state": "active",
        "volumes": [],
        "flavor": {
            "flavor_id": flavor,
            "flavor_name": flavor,
            "vcpus": 1,
            "ram": 2048,
            "hardware_description": {"vcpus": "1 virtual core", "ram": "2 GiB"},
            "os_type": "linux",
            "architecture": "x86_64",
        },
        "tags": [],
        "instance_description": None,
        "addresses": {},
        "security_groups": [{"name": group} for group in groups],
        "ssh_key_name": None,
        "creator_task_id": None,
        "task_state": None,
        "task_id": None,
        "blackhole_ports": [],
        "ddos_profile": None,
        "fixed_ip_assignments": None,
        "instance_isolation": None,
        "region": region_name(region_id),
        "region_id": region_id,
        "project_id": project_id,
    }
