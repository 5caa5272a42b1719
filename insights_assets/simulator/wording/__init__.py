"""The words of the sample shop's customers: a grammar of its own, in five languages.

`grammar.py` reads the sentence frames (`en.yaml`, `de.yaml`, ...), `compose.py` makes texts of them, `slips.py` adds
what people do to texts: typing errors and personal data. Nothing here is shared with what trains a classifier.
"""
