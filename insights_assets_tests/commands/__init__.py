"""Tests of the command line: what it says and how it ends."""
