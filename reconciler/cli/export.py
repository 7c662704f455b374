"""`sgctl export`."""

import click

from reconciler.cli import options, settings
from reconciler.cli.options import TargetOptions
from reconciler.cli.targets import defaults_of
from reconciler.loading.address_groups import with_prefixes
from reconciler.loading.desired import MAX_ALL_RULES
from reconciler.loading.head import read_head
from reconciler.loading.issues import Budget, Issues
from reconciler.loading.list_lock import is_lock
from reconciler.loading.load import load_documents
from reconciler.loading.rule_sets import read_shared, rule_sets_of, written_out
from reconciler.model.errors import UsageError


@click.command("export")
@options.paths
@click.option(
    "--format",
    type=click.Choice(["kubernetes"]),
    default="kubernetes",
    show_default=True,
    expose_value=False,
    help="How to write the result.",
)
@click.option("--namespace", default="default", show_default=True, help="The namespace of the resources.")
@click.option("--secret", default="gcore", show_default=True, help="The Secret with the API key, as `apiKey`.")
@options.target
def command(paths: tuple[str, ...], namespace: str, secret: str, target: TargetOptions) -> None:
    """Write the files as resources for `sgctl operator`: CloudTargets, AddressGroups and SecurityGroups.

    Each group becomes a resource for each of its targets, with the rules of the rule sets that it uses. What the
    operator then does by itself is up to each CloudTarget: its `mode` is Approve where nothing else is written.

    \b
      sgctl export groups/ --namespace network | kubectl apply -f -
    """
    from reconciler.kubernetes.export import Written, export, write_yaml  # noqa: PLC0415 - brings YAML, which --help need not load

    defaults = defaults_of(target)
    walk = settings.walk(target.follow_links)
    documents, _ = load_documents(paths, defaults, settings.policies(), walk=walk)
    locked = read_shared(documents, Issues()).address_groups
    rule_sets = {name: rules for each in documents for name, rules in rule_sets_of(each).items()}
    documents = tuple(each for each in documents if not is_lock(each))
    heads = [read_head(each, defaults, Issues()) for each in documents]
    if any(head.names for head in heads):
        raise UsageError(
            "a CloudTarget takes the ids of a project and a region, and export looks up no names",
            hint="Write project_id and region_id; `sgctl plan` shows both.",
        )
    left = Budget(MAX_ALL_RULES)
    written = [
        Written(written_out(with_prefixes(each.value, locked), rule_sets, left), head.targets, head.owner)
        for each, head in zip(documents, heads, strict=True)
    ]
    if left.is_spent:
        raise UsageError(
            f"with the rule sets written out, the groups have more than {left.most:,} written rules, over the limit",
            hint="Export fewer files at a time, or write rules once that are written often.",
        )
    click.echo(write_yaml(export(written, namespace, secret)), nl=False)
