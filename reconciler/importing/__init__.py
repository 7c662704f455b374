"""Live groups -> YAML in the short form that a person would have written. Pure, but for reading files and writing them.

The stages, in order: `choose` which groups, `merge` their rules, `shorten` them to the shorthands of the format, `text`
spells them as YAML, `proof` loads and plans that text before anybody may write it.
"""
