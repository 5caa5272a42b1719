from setuptools import find_packages, setup

# The two data folders at the root ship as top-level packages; everything else is in pyproject.toml.
setup(packages=[*find_packages(include=["insights_assets", "insights_assets.*"]), "insights_prompts", "insights_shop"])
