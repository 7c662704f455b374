"""The way back: the journal that an apply keeps, and the plan that undoes it."""
