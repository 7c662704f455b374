"""`sgctl schema`."""

import click

from reconciler.model.published import SCHEMAS, schema_text


@click.command("schema")
@click.argument("name", default=SCHEMAS[0], type=click.Choice(SCHEMAS))
def command(name: str) -> None:
    """Print a published JSON Schema: that of the desired-state files by default.

    Editors complete and check a file with it, where the first line of the file says where the schema lies.

    \b
      sgctl schema > schemas/security-groups.schema.json
      # yaml-language-server: $schema=schemas/security-groups.schema.json
      sgctl schema plan > plan.schema.json
    """
    click.echo(schema_text(name), nl=False)
