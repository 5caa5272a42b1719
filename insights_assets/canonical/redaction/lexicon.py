"""Word lists about names, and the one judgement two finders share: does this place read like the place of a name?

Belongs here: reading the lists of `canonical/data`, and the context of a name. Does not belong here: finding names.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

import yaml

from insights_assets.canonical.redaction.view import View, fold


@cache
def _lists(file: str) -> dict[str, str]:
    text = resources.files("insights_assets.canonical.data").joinpath(file).read_text(encoding="utf-8")
    lists: dict[str, str] = yaml.safe_load(text)
    return lists


def word_list(file: str, *names: str) -> frozenset[str]:
    """The folded words of the named lists of a file (of all when none is named), sharp s in both spellings."""
    lists = _lists(file)
    text = " ".join(lists[name] for name in names or lists)
    return frozenset(fold(text).split()) | frozenset(fold(text.replace("ß", "ss")).split())


GIVEN_NAMES = word_list("given_names.yaml")
SURNAMES = word_list("surnames.yaml")
COMMON_NAMES = word_list("name_words.yaml", "also_words")
NEVER_NAMES = word_list("name_words.yaml", "never")
GLUE = word_list("name_words.yaml", "glue")
GENERIC_MAILBOXES = word_list("name_words.yaml", "mailboxes")
BRANDS = frozenset(brand.strip() for brand in fold(_lists("name_words.yaml")["brands"]).split(";"))
BRAND_STARTS = frozenset(brand.split()[0] for brand in BRANDS)
NAMES = GIVEN_NAMES | SURNAMES
STREET_ENDINGS = tuple(sorted(word_list("street_words.yaml", "de_endings", "others_endings")))

# Phrases right before a name. Whatever word with a capital follows these is a name.
_INTRODUCTIONS = (
    r"my (?:full |first |last |sur|maiden |legal |middle )?name(?:'s| is|:| =)|name(?:d)? on the (?:account"
    r"|order|card|parcel) (?:is|was)"
    r"|(?:under|in) the name(?: of)?|signed(?: by)?[,:]?|attn\.?:?|c/o"
    r"|ich heis{1,2}e|(?:mein|der) name (?:ist|lautet)|mein name|auf den namen|im namen von|gez\."
    r"|z\. ?hd\.?(?: von)?"
    r"|je m'appelle|mon (?:nom|prenom)(?: complet)? (?:est|:)|au nom d(?:e |')"
    r"|me llamo|mi (?:nombre|apellido)(?: completo)? es|a nombre de"
    r"|(?:o )?meu nome(?: completo)? e|chamo-me|me chamo|em nome d[eoa]"
)
_LABELS = (
    r"(?:full |first |last |customer |billing |contact |recipient |cardholder )?name|customer|user|recipient"
    r"|cardholder|contact person|addressee"
    r"|kunde|kundin|kundenname|vorname|nachname|empfanger(?:in)?|karteninhaber(?:in)?|ansprechpartner(?:in)?"
    r"|besteller(?:in)?"
    r"|nom|prenom|nom complet|destinataire|nombre|apellidos?|nombre completo|destinatario|titular|nome"
    r"|sobrenome|apelido|nome completo"
)
# "Mr Brown": the title settles it.
_TITLES = (
    r"Mr|Mrs|Ms|Miss|Mx|Mister|Missus|Dr|Prof|Professor|Herr|Herrn|Frau|Fraulein|Mme|Mlle|Monsieur|Madame"
    r"|Mademoiselle|Maitre"
    r"|Sr|Sra|Srta|Senor|Senora|Senorita|Senhor|Senhora|Dona|Dna|Exmo|Exma"
)
# People end letters with these; a name follows even without any comma.
_FAREWELLS = (
    r"(?:kind(?:est)?|best|warm(?:est)?|with)? ?regards|(?:yours )?sincerely|yours (?:truly|faithfully)"
    r"|sincerely yours|best wishes"
    r"|(?:mit |viele |liebe |beste |freundliche[nm]? |herzliche |schone )*gr(?:u"
    r"|ue)s{1,2}e?n?(?: aus [A-Za-z]+)?|mfg|hochachtungsvoll"
    r"|(?:bien )?cordialement|bien a vous|(?:sinceres |meilleures )?salutations(?: distinguees)?|respectueusement"
    r"|atentamente|(?:un )?(?:cordial )?saludos?(?: cordiale?s)?|un (?:fuerte )?abrazo"
    r"|atenciosamente|(?:com os )?(?:melhores )?cumprimentos|(?:um )?abracos?|att"
)
# Weaker: more often than not something else follows, so the word must be a known given name or surname.
_HINTS = (
    r"i'?m|i am|this is|it'?s|call me|hi|hello|hey|hiya|dear|thanks|thank you|thx|cheers|sincerely"
    r"|spoke (?:to|with)|talked (?:to|with)"
    r"|chatted with|speaking (?:to|with)|contacted|emailed|agent|advisor|adviser|rep|representative|operator"
    r"|colleague|manager|courier|driver"
    r"|technician|named|called|someone called|husband|wife|son|daughter|mother|father|mum|mom|dad|brother"
    r"|sister|boyfriend|girlfriend|partner"
    r"|neighbou?r|friend|for my \w+|gift for"
    r"|ich bin|hier ist|hier spricht|hier schreibt|hallo|lieber?|sehr geehrter?|guten tag|danke|vielen dank"
    r"|lg|vg|ihr|ihre|eure|dein|deine|mitarbeiter(?:in)?"
    r"|kolleg(?:e|in)|mein mann|meine frau|mein sohn|meine tochter|meine mutter|mein vater|freundin|freund"
    r"|nachbar(?:in)?"
    r"|je suis|c'est|bonjour|bonsoir|cher|chere|merci|salut|conseillere?|agente?|mon mari|ma femme|mon fils"
    r"|ma fille|ma mere|mon pere|ami|amie|voisine?"
    r"|soy|hola|estimad[oa]|querid[oa]|gracias|mi (?:marido|mujer|esposa|esposo|hijo|hija|madre|padre|hermano"
    r"|hermana|novio|novia)|asesora?"
    r"|(?:eu )?sou(?: [oa])?|aqui(?: e| fala)?|ola|oi|car[oa]|prezad[oa]|obrigad[oa]|(?:o )?meu (?:marido"
    r"|filho|pai|irmao|namorado)|(?:a )?minha (?:mulher|esposa|filha|mae|irma|namorada)"
)

_EDGE = r"(?<![A-Za-z0-9])"
STRONG_CUE = re.compile(
    rf"{_EDGE}(?:{_INTRODUCTIONS})[ ,:\"']{{1,3}}$|(?:^|[\n;,|]) ?(?:{_LABELS}) ?[:=] ?$", re.IGNORECASE
)
TITLE_CUE = re.compile(rf"{_EDGE}(?:(?:{_TITLES})\.? |M\. )(?:Dr\.? |Prof\.? )?$")
_THANKS = "thanks|thank you|cheers|love|best|danke|vielen dank|lg|vg|merci|gracias|obrigad[oa]"
FAREWELL_CUE = re.compile(
    rf"{_EDGE}(?:(?:{_FAREWELLS})[ ,.!:;\n-]{{1,6}}|(?:{_THANKS})[ ,.!-]{{0,3}}\n[ \n-]{{0,3}})$", re.IGNORECASE
)
HINT_CUE = re.compile(rf"{_EDGE}(?:(?:{_HINTS})[ ,.!\n:-]{{1,4}}|(?:love|best|xoxo)(?:,|\n|,\n) ?)$", re.IGNORECASE)
#: "great lamp - Anna": a dash signs only where nothing follows.
DASH_CUE = re.compile(r"(?:^|\n| )- ?$")
#: What only people do; it makes a given name before it a person ("Sarah from your support said").
DOING = re.compile(
    r",? (?:(?:from|at|of|in) (?:your |the )?(?:customer|support|service|sales|chat|shop|store|team|care)"
    r"|vom (?:kunden|support|service)|du (?:service|support)"
    r"|de (?:atencion|soporte|atendimento|suporte)|do (?:atendimento|suporte)"
    r"|said|says|told|promised|assured|helped|replied|answered|wrote|explained|confirmed|apologi[sz]ed"
    r"|was (?:very |so |really |extremely )?(?:helpful|rude|friendly|polite|kind)"
    r"|sagte|versprach|meinte|schrieb|hat (?:mir|uns|gesagt|versprochen|geholfen)|war (?:sehr |so )?(?:nett"
    r"|freundlich|hilfsbereit|unfreundlich)"
    r"|here(?![a-z])|hier(?![a-z])|aqui(?![a-z])|m'a |nous a |a (?:dit|promis|repondu)|me (?:dijo|atendio"
    r"|ayudo|prometio|disse|atendeu|ajudou|prometeu)|fue (?:muy )?amable|foi (?:muito )?(?:simpatic|atencios))"
)
#: How far before a name its cue can reach.
CUE_REACH = 48

_CLAUSE_END = re.compile(r" ?(?:[,.!;\n)]|$)")
_AFTER_SIGNATURE = re.compile(r"[ .!,)]*(?:\n|$)")


def has_name_context(view: View, start: int, end: int) -> bool:
    """Whether what stands before (and, for a signature, after) a place is what stands around names."""
    before = view.plain[max(0, start - CUE_REACH) : start]
    if STRONG_CUE.search(before) or TITLE_CUE.search(before) or FAREWELL_CUE.search(before):
        return True
    if HINT_CUE.search(before) and (view.plain[start].isupper() or _CLAUSE_END.match(view.plain, end)):
        return True
    # A last line, or a last word behind a comma, that holds nothing else is a signature: "Thanks a lot,\nRose".
    if not _AFTER_SIGNATURE.match(view.plain, end) or not view.plain[start].isupper():
        return False
    # A text that is nothing but the word is a signature too, the usual last turn of a chat.
    stripped = before.rstrip(" -")
    return stripped.endswith(("\n", ",")) or not stripped
