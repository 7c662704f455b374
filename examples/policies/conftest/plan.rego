# Rules of your own on a saved plan, for conftest or OPA:
#
#     sgctl plan groups/ --out plan.json
#     conftest test plan.json --policy examples/policies/conftest
#
# What a plan holds is described by `sgctl schema plan`. Most rules need no Rego: see the `policies` of sgctl first.
package main

import rego.v1

# Nobody deletes a group on a Friday.
deny contains message if {
	some change in input.changes
	change.action == "delete"
	time.weekday(time.parse_rfc3339_ns(input.created_at)) == "Friday"
	message := sprintf("%s would be deleted, and it is Friday", [change.name])
}

# One plan changes at most one region.
deny contains message if {
	regions := {change.region_id | some change in input.changes}
	count(regions) > 1
	message := sprintf("the plan changes %d regions; change one after the other", [count(regions)])
}
