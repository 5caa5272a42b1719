"""Actions: turn an issue into finished action, once, with its evidence, and so that it can be undone.

Belongs here: policy, tickets, holds, drafts, the desk, the brief, verdicts, loop time. Does not belong here: finding
issues, their cause or price (`anomalies`), and any network.
"""
