"""The web console: what a person looks at every day, on loopback, reading published tables only.

Belongs here: pages (`views/`), the frame around them (`app.py`, `frame.py`), and plain functions that prepare what a page shows.
Does not belong here: finding, deciding or sending anything. A page reads through the governance reader and writes what a person
judges to the operational database, nothing else.
"""
