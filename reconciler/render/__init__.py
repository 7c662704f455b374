"""A plan for people and programs: one view model, several formats. Nothing here decides anything."""
