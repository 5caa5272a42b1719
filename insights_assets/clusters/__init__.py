"""Clusters: what is said in other words, grouped into themes that keep their identity."""
