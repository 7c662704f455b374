"""The embedded stand-in of the security group API, so that everything can be tried without an account.

It imports nothing from the rest of the package: it holds its own idea of the API and of Neutron's rules, and so it
can disagree with the client. Importing this package is cheap; the web server (the extra ``sgctl[emulator]``) is only
loaded by `app` and `server`.

    records.py      groups, rules, tags, refusals: plain values
    neutron.py      what OpenStack Neutron does to a rule, and when it refuses one         pure
    policy.py       what the cloud puts in front of Neutron: port 25, quotas, locks        pure
    fields.py       the check of every part of a request; validation.py whole bodies -> records
    changes.py      a group and entries of changed rules -> the steps the server takes     pure
    store.py        groups in SQLite; schema.py the tables
    operations.py   create, change, copy, revert and delete a group, the same for both versions
    messages.py     requests and answers: path, query and body, typed and checked
    v1.py, v2.py    the operations as they are published
    actions.py      the log of who changed what
    tasks.py        v2's tasks: kept, advanced, answered; work.py what they do
    account.py      projects, regions and quotas; instances.py which instances use a group
    catalog.py      projects, regions and instances as the API writes them
    knobs.py        settings that make it behave like another server
    faults.py       the plan of what goes wrong; gate.py the place where it does
    guide.py        what users are told about seeds, faults and knobs
    seed.py         groups from a file, taken as they are; files.py reading what people write
    app.py          all of it as one ASGI application
    server.py       that application on a loopback port
"""
