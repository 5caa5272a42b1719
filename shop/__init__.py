"""What the business decides, as YAML: this folder is the sample shop and the default of every installation.

No Python belongs here. `insights_assets.shop.load_shop` reads and validates the folder; copy it, change it, and name the copy
with the setting `INSIGHTS_SHOP` to run your own shop.
"""
