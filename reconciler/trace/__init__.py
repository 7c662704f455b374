"""Why a packet is allowed or not: the rules that admit it, or what is nearest to it.

    question (what is asked) -> answer (the verdict, view by view) -> nearest (what was nearly asked)
    sides (what files and live state say, and what would make them one)

A question is a set of flows, written as rules are: one port or all of a protocol, one address or a whole prefix. It is
allowed when all of it is, be it by several rules together; the traffic algebra decides, nothing is sampled.
"""

from reconciler.trace.answer import TraceAnswer, TraceCheck, trace
from reconciler.trace.nearest import Near
from reconciler.trace.question import Question, parse_question

__all__ = ["Near", "Question", "TraceAnswer", "TraceCheck", "parse_question", "trace"]
