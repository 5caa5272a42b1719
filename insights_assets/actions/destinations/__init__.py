"""Where actions arrive: the local desk, Jira Cloud, Slack, promotion feeds and webhooks, each behind one port.

Belongs here: one module a destination, over the vendor's own client, and what they share. Does not belong here: what is sent and
when (`policy.py`, `outbox/`), and any text that is decided (`tickets.py`, `drafts.py`).
"""
