"""Tests of the stage learning."""
