"""What users are told about the files of the emulator. It stands alone, so that help costs no imports.

`seed`, `faults` and `knobs` hold to it, and so do the JSON Schemas; tests compare the names.
"""

SEED = """\
A seed tells which groups there are to begin with (schemas/emulator-seed.schema.json).

It is JSON or YAML: an object with the list `groups`, or `results`, so that a
list answer of the API is a seed:

    groups:
      - project_id: 1
        region_id: 7
        name: web
        id: 0c1f8a36-6e6e-4ad0-9d3c-8a3f4a1c7b52   # a new one when left out
        description: Public web tier
        tags: {env: prod}     # or tags_v2: a list of {key, value, read_only}
        rules:                # or security_group_rules
          - {direction: ingress, protocol: tcp, port_range_min: 443, port_range_max: 443}
          - {direction: ingress, protocol: "47", remote_ip_prefix: 10.0.0.1/8}
          - {direction: egress, remote_group: db}   # by name, in the same place
        instances: [web-1]    # or a list of {id, name}
        revision_number: 12

Groups are taken as they are: duplicates, host bits in a prefix and protocol
numbers are what live groups may hold. Only unknown keys and wrong types are
refused. Where no group is called `default`, that one comes by itself.
"""

FAULTS = """\
A faults file tells what goes wrong, and when (schemas/emulator-faults.schema.json).

It is JSON or YAML: a list of faults, or an object with `knobs` and `faults`:

    knobs: {order: deletes_first, atomicity: partial, latency_ms: 20}
    faults:
      - {method: PATCH, path: /securitygroups/, nth: 2, fault: reset, when: after}
      - {fault: status, status: 429, retry_after: 2, count: 3}

Which request is hit, all optional:

    method    GET, POST, PUT, PATCH, DELETE; any when left out
    path      a regular expression, searched for in the path; any when left out
    nth       the first of the matching requests to be hit; 1 when left out
    count     how many in a row are hit; 1 when left out, 0 for all that follow

What happens, in `fault`. With `when: before` (the default) the server has not
acted, with `when: after` it has:

    delay     answers `seconds` later, having acted before or after the wait
    hang      never answers
    reset     resets the connection (TCP RST) instead of answering
    close     closes the connection (FIN) instead of answering
    status    answers `status` (400 or more) with `message`; also `retry_after`
              in seconds, or `retry_after_date`: the same as an HTTP date
    html      answers a page of HTML with `status`, 200 when left out

And without `when`:

    locked    answers 409, as while another task is at work on the resource
    truncate  acts, then answers the first half of the JSON as a whole answer
    cut       acts, then closes the connection in the middle of the answer
    task_error      the v2 task of the request ends in ERROR with `message`; with
                    `when: after` its work is done all the same
    slow_task       the v2 task is found unfinished by `polls` reads, so that a
                    new group appears only later
    foreign_change  somebody else changes a group just before the request: adds
                    `rule` to it, or deletes its rule number `delete_rule`. It is
                    the group in the path, or the one called `group`

Several faults may hit one request: `delay`, the task faults and
`foreign_change` go together with any other.
"""

KNOBS = """\
Knobs tell how the server behaves where the API leaves it open, and what the account may do.

    order, atomicity  listed, deletes_first or creates_first; atomic or partial: how a PATCH
                      is worked through. v2 sends no order: there listed deletes first
    latency_ms        every answer takes that much longer
    task_polls        how many reads find a v2 task unfinished: of itself, of the task list,
                      of the groups of its place; 0 finishes it at once
    list_rules        false: groups in a list come without security_group_rules
    default_egress    false: a group created with v1 gets no rules by itself
    default_rules     which it gets otherwise: cloud, 39 without port 25 where no rules were
                      asked for; or neutron, two that open egress whatever was asked for
    refuse_port_25    false: rules may open egress to port 25 of TCP or UDP, which for a new
                      account is refused until support lifts it
    locks             false: a group may be changed while a v2 task is at work on it
    firewall_quota    how many groups a region may hold (one live project had 20)
    v1_patch_status   404, 405 or 410: the v1 PATCH is gone, and this is its answer
    unique_names      true: a second group of the same name is refused with 409
    max_rules         how many rules a group holds
"""
