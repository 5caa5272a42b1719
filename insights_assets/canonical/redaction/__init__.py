"""Personal data in free text: found, replaced by a token that says what stood there, and counted.

`Redactor.redact` is the door. Order of trust: values this row is known to hold (`known`), patterns whose shape or check
digits prove them (`electronic`, `numbers`, `phones`, `addresses`), then names that stand in a name's context (`names`).
Does not belong here: who may read what (tiers), pseudonyms (`identity`), and deleting a person's rows (governance).
"""

from insights_assets.canonical.redaction.known import Known
from insights_assets.canonical.redaction.redactor import Redacted, Redactor
from insights_assets.canonical.redaction.view import TOKENS, clean

__all__ = ["TOKENS", "Known", "Redacted", "Redactor", "clean"]
