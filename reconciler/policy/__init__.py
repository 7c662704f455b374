"""Guardrails: functions from a plan to findings. They look at data only, so a saved plan is judged like a new one."""
