"""Prompts and label sets: reviewed like code, shipped as the package `insights_prompts`.

Belongs here: one folder a task (a file per version, CHANGELOG.md, ACTIVE), the label sets, the golden sets
the prompts are judged on. Does not belong here: code that reads them (`insights_assets.labels.label_set`
and `insights_assets.labels.prompts`), replies of models, anything a single shop decides (that is `shop/`).
"""
