"""Stage 6: plan -> outcome. The only writer; `apply` orders groups, `converge` brings one where it should be."""
