"""Personal data does not leave: a thousand records with known names, mails, phones and addresses, and none of them in any request."""

from __future__ import annotations

import random
from pathlib import Path

from insights_assets.canonical.redaction import Known, Redactor
from insights_assets_tests.contract.azure_openai_brains import oracle
from insights_assets_tests.contract.azure_openai_server import AzureOpenAI
from insights_assets_tests.labels.model.desk import WORDS, open_desk

_FIRST = ("Quirina", "Zbynek", "Oluwaseun", "Thandeka", "Ysabeau", "Wendelin", "Xiomara", "Kjersti", "Fridolin", "Eulalia")
_LAST = ("Vandersnoek", "Przybylo", "Adeyemi-Cole", "Nkosiphile", "Delacroisette", "Hufschmidl", "Zuluagarza", "Bjornrudlien")
_SAID = (
    "The {thing} broke after a week, call me on {phone}. {name}",
    "This is {name}, parcel never came to {street}. The {thing} is for my son.",
    "Refund to {mail} please, the {thing} is dented. Regards, {first}",
    "{first} here again: nobody answered {mail}. The {thing} still squeaks.",
)


def test_no_known_value_of_a_thousand_customers_is_in_any_request(tmp_path: Path) -> None:
    draw = random.Random(13)
    canaries: list[str] = []
    records = []
    redactor = Redactor(product_words=())
    for number in range(1000):
        first, last = _FIRST[number % len(_FIRST)], f"{_LAST[number % len(_LAST)]}{'aeiou'[number % 5]}{'rstln'[number // 5 % 5]}"
        mail = f"{first.lower()}.{last.lower()}{number}@canary.example"
        phone = f"+49 171 {draw.randrange(10**6, 10**7)}"
        street = f"Kanarienvogelweg {number + 1}"
        known = Known(names=(f"{first} {last}",), emails=(mail,), phones=(phone,), addresses=(f"{street}, 04109 Leipzig",), handles=())
        said = _SAID[number % len(_SAID)].format(thing=WORDS[number % len(WORDS)], phone=phone, name=f"{first} {last}", first=first, mail=mail, street=street)
        canaries += [last, mail, phone, phone[-7:], street]
        records.append({"feedback_id": f"f{number}", "text": redactor.redact(said, known, ()).text, "language": "en", "customer_key": f"key-of-{number}"})
    with AzureOpenAI(brain=oracle()) as server:
        desk = open_desk(server, tmp_path)
        labels = desk.label(records)
        sent = "\n".join(server.raw_log)
        sent = sent + sent.encode().decode("unicode_escape", errors="ignore")
    assert all(one.row is not None for one in labels)
    leaked = [canary for canary in canaries if canary in sent or canary.replace(" ", "ˆ") in sent]
    assert leaked == [], f"{len(leaked)} of {len(canaries)}"
    assert not any(f"key-of-{number}" in sent for number in range(1000)), "nobody's pseudonym is sent either"
    assert "squeaks" in sent and "[name]" in sent, "the search would find what is there"
