"""The language model's step of the labels: asked about what the local path is unsure of, and never trusted further than its quotes.

`label_texts` (label.py) is the way in. Beneath it: `defence` and `injection` prepare a text, `request` puts it into a prompt, `client` asks
(`pace` how fast, `budget` how much, `prices` what it costs, `outcomes` what came of it, `ledger` and `replies` what is kept), `parse` reads,
`batch` does the same for half the price and by tomorrow.
"""
