"""Tables as data, and Delta in and out. `spec.py` declares, `lake.py` reads and writes, `conform.py` refuses what does not fit."""
