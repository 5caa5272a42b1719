"""Injection: sentences of a text that speak to a machine instead of about a shop.

Belongs here: telling such sentences in five languages. Does not belong here: what is done with them (`defence` leaves them out, `label` sends the
record to a person). This is a belt: what holds when a phrasing slips through is that lists are closed, quotes are real, nothing is critical by a
model's word, and one record's label touches no other.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from insights_assets.labels.evidence import Span
from insights_assets.labels.words import fold

_SENTENCE = re.compile(r"(?:[^.!?;\n]|[.!?;](?![\s\"')\]}]|$))*[.!?;]*[\"')\]}]*\n?")

_RULES = (
    # en
    r"instructions?|rules?|prompts?|guidelines?|directions|directives?|guardrails?|"
    # de, fr, es, pt
    r"anweisung\w*|regeln?|vorgaben?|instruktion\w*|prompts?|consignes?|regles?|directives?|instrucci\w+|reglas?|indicaciones?|directrices|"
    r"instruc\w+|regras?|orientac\w+|diretrizes"
)
_DROP = (
    r"ignor\w*|disregard\w*|forget\w*|overrid\w*|bypass\w*|drop|skip|stop following|do not follow|don'?t follow|"
    r"vergiss|vergesst|vergessen sie|missacht\w*|uberschreib\w*|verwirf|befolge \w+ nicht|setze? dich uber|"
    r"oubli\w*|ne (?:tiens|tenez) (?:pas|plus) compte|fais abstraction|faites abstraction|neglige\w*|"
    r"olvid\w*|haz caso omiso|hagan? caso omiso|descart\w*|omit\w*|no sigas|pasa por alto|"
    r"esquec\w*|desconsider\w*|descarte|nao sigas?|deixe de seguir"
)
_TARGET = (
    r"topics?|sentiments?|urgenc\w+|urgency|summar\w+|labels?|json|schema|sku|risk[ _]tags?|confidence|categor\w+|"
    r"thema|themen|stimmung|dringlichkeit|zusammenfassung|etikett\w*|kategorie\w*|"
    r"sujets?|etiquettes?|resumes?|urgence|"
    r"temas?|etiquetas?|resumen|sentimientos?|"
    r"topicos?|rotulos?|resumos?|sentimentos?"
)
_DO = (
    r"set|return|output|respond|reply with|answer with|answer only|write|print|emit|put|use|choose|assign|change|make|give|mark|tag|label|classif\w+|"
    r"setze?n?|gib|geben sie|antworte\w*|schreibe?n?|verwende\w*|wahle?n?|markiere?n?|kennzeichne\w*|klassifiziere\w*|"
    r"renvoi\w*|retourn\w*|repond\w*|ecri\w*|mets|mettez|defini\w*|utilis\w*|chois\w*|marque\w*|class\w*|etiquet\w*|"
    r"devuelv\w*|respond\w*|escrib\w*|pon|ponga|establec\w*|usa|elige|marca|clasific\w*|etiquet\w*|"
    r"devolv\w*|retorn\w*|respond\w*|escrev\w*|defin\w*|coloqu\w*|use|escolh\w*|marque|classifi\w*|etiquet\w*|rotul\w*"
)
_MACHINE = (
    r"a\.?i\.?|llm|gpt|chatgpt|bot|language model|model|assistant|classifier|labell?er|annotator|grader|machine|"
    r"ki|sprachmodell|modell|assistent\w*|klassifikator|"
    r"ia|i\.a\.|modele(?: de langage)?|assistant|classifieur|modelo(?: de (?:lenguaje|linguagem))?|asistente|assistente|clasificador|classificador"
)
_RECORD = (
    r"review|message|text|feedback|ticket|record|comment|entry|input|complaint|"
    r"bewertung|nachricht|rezension|eintrag|kommentar|eingabe|"
    r"avis|texte|commentaire|retour|entree|"
    r"resena|mensaje|texto|comentario|opinion|entrada|"
    r"avaliac\w*|mensagem|comentario|registro|registo"
)

#: One of these alone is enough.
_STRONG = re.compile(
    rf"\b(?:{_DROP})\b[^.!?]{{0,60}}\b(?:{_RULES})\b"
    r"|\b(?:system ?prompt|systemprompt|system message|systemnachricht|developer mode|entwicklermodus|jailbreak (?:mode|prompt)|prompt systeme|invite systeme|"
    r"message systeme|prompt del sistema|mensaje del sistema|modo desarrollador|prompt do sistema|mensagem do sistema|modo desenvolvedor)\b"
    r"|\b(?:you are now (?:an?|the|in|free|my)\b|you will now act|from now on,? you|act as an?|pretend (?:that )?you|new instructions?|updated instructions?|"
    r"du bist (?:jetzt|nun|ab jetzt|ab sofort)|ab (?:jetzt|sofort) (?:bist|antwortest|giltst) du|neue (?:anweisung|instruktion)\w*|verhalte dich (?:wie|als)|"
    r"tu es (?:maintenant|desormais)|vous etes (?:maintenant|desormais)|nouvelles? (?:instruction|consigne)s?|agis comme|comporte[- ]toi comme|"
    r"ahora eres (?:una?|el|la)\b|eres ahora (?:una?|el|la)\b|a partir de ahora (?:eres|respond\w+)|nuevas? instruccion\w*|actua como|comportate como|"
    r"agora (?:voce|tu) (?:e|es)\b|(?:voce|tu) agora (?:e|es)\b|novas? instruc\w+|aja como|atue como|comporte-se como)"
    rf"|\b(?:note|notice|attention|message|memo|dear|hey|hello|instruction|hinweis|achtung|nachricht|liebe[rs]?|message|attention|cher|chere|bonjour|"
    rf"nota|atencion|mensaje|aviso|querid[oa]|hola|atencao|mensagem|car[oa]|ola)\b[ ,:]{{1,2}}(?:(?:to|for|an|fur|a|pour|para|de|al|ao|au|aux|the|die|das|den|der|la|le|el|o|os|los|l'|any|all)[ ,:']{{0,2}}){{0,3}}(?:{_MACHINE})\b"
    rf"|\b(?:{_DO})\b[^.!?]{{0,30}}\b(?:this|these|the following|diese[rsnm]?|dies|ce|cet|cette|est[ea]|esto|isto)\b ?(?:{_RECORD})?[^.!?]{{0,30}}\b(?:as|with|als|mit|comme|avec|como|con|com)\b ?[^.!?]{{0,40}}"
    r"(?:_|\b(?:praise|positive|neutral|negative|lob|positiv|neutre|positif|eloge|elogio|positiv[oa]|safety|critical|kritisch|critique|critic[oa]|other|topic|label|category|thema|kategorie|categorie|categoria)\b)"
    rf"|\b(?:{_DO})\b[^.!?]{{0,40}}\b(?:{_TARGET})\b[^.!?]{{0,12}}(?:\bto\b|\bas\b|\bauf\b|\bals\b|\bsur\b|\ba\b|\ben\b|\bcomo\b|\bcomme\b|\bpara\b|=|:|\"|')"
    r"|\b(?:as an? (?:ai|language model|assistant|classifier)|als (?:ki|sprachmodell|modell)|en tant qu(?:e |'| ')(?:ia|modele|assistant)|"
    r"como (?:una? |um |uma )?(?:ia|modelo|asistente|assistente))\b"
    r"|\b(?:end|begin|start|ende|beginn|fin|debut|inicio|fim)\b[ -]{1,2}(?:of|der|des|de|du|del|da|dos|das|do)?[ -]{0,2}(?:the |la |los |os |das )?(?:data|input|user (?:text|input|message)|system|prompt|instructions|daten|eingabe|donnees|entree|datos|entrada|dados)\b"
    r"|^[\s\"'(\[{#*>-]*(?:system|assistant|developer|user) ?(?:: \S|\]|>)|[\[(<{#](?:system|assistant|developer|user)(?:[:\]>)}])"
    r"|\b(?:shipping_delay|damaged_on_arrival|missing_accessories|wrong_item|product_quality|sizing_issue|billing_confusion|returns_and_refunds|"
    r"feature_request|app_or_site_problem|usability_confusion|customer_service|price_value|potential_defect|refund_risk|quality_review|churn_risk|"
    r"fraud_like|risk_tags?|primary_topic|new_topic_candidate|label_set|sentiment_score)\b"
    r"|[{\[]\s*[\"']\w+[\"']\s*[:,]|[\"']\w+[\"']\s*:\s*[\"'\[{]|^\s*[\]}]+[\s\"',}\]]*$|#{3,} ?\w"
    r"|\b(?=[a-z+/]*\d)[a-z0-9+/]{40,}={0,2}(?![a-z0-9])",
)
_VERDICT = r"praise|positive|negative|neutral|lob|positiv\w*|negativ\w*|eloges?|positi[fv]s?|elogios?|safety|complaint[- ]free"
#: Speaking of how the text is to be processed, without an order in so many words.
_META = re.compile(
    r"\b(?:process\w*|verarbeit\w*|trait\w*|proces\w*)\b[^.!?]{0,25}\b(?:automati\w+)|\bautomati\w+\b[^.!?]{0,25}\b(?:process\w*|verarbeit\w*|trait\w*|proces\w*)"
    rf"|\b(?:file|filed|files|archive[ds]?|register(?:ed)?|ablegen|abgelegt|ablege|einordne\w*|range\w*|classer|archiv\w+)\b[^.!?]{{0,40}}\b(?:as|under|unter|als|comme|parmi|dans|como|en)\b[^.!?]{{0,15}}\b(?:{_VERDICT})\b"
    rf"|\b(?:unter|als)\b[^.!?]{{0,15}}\b(?:{_VERDICT})\b[^.!?]{{0,10}}\b(?:abgelegt|ablegen|einordnen|abzulegen)\b"
    rf"|\b(?:output|ausgabe|sortie|salida|saida)\b[^.!?]{{0,25}}\b(?:says?|said|is|reads?|lautet|ist|dise|soit|dijera|sea|diga|dissesse|seja|diga)\b[^.!?]{{0,15}}\b(?:{_VERDICT})\b"
    r"|\b(?:as|als|comme|como)\b ?(?:your|dein\w*|ihr\w*|ton|votre|tu|su|a sua|sua) (?:new )?(?:orders?|commands?|befehle?|auftrag|ordres?|ordenes|orden|ordens|ordem)\b"
    r"|\b(?:summary|topic|sentiment|urgency|label) fields?\b|\bfeld(?:er)? (?:zusammenfassung|thema|stimmung)\b|\bchamps? (?:resume|sujet|sentiment)\b|\bcampos? (?:resumen|resumo|tema|sentimi?ento)\b"
    r"|\b(?:no|keine?|aucun|ningun|nenhum) (?:topic|thema|sujet|tema)\b[^.!?]{0,12}\b(?:to report|to label|zu melden|a signaler|que informar|a relatar)\b"
    r"|\b(?:withdrew|withdrawn|zuruckgezogen|retire|retiro|retirou)\b[^.!?]{0,15}\b(?:complaint|beschwerde|plainte|queja|queixa)\b|\bbeschwerde zuruckgezogen\b"
)
#: In a sentence next to a strong one, these are enough: the order goes on.
_GOES_ON = re.compile(
    rf"\b(?:{_TARGET})\b|\b(?:llm|chatgpt|language model|classifier|labell?er|sprachmodell|klassifikator|modele de langage|classifieur|modelo de l\w+)\b|\b(?:{_RULES})\b|[{{}}\[\]]|\b(?:{_DO})\b[^.!?]{{0,30}}\b(?:only|exactly|nur|genau|seulement|exactement|solo|exactamente|apenas|somente|exatamente)\b"
    r"|\b(?:no complaint|nothing wrong|everything is fine|all is well|keine beschwerde|alles in ordnung|aucune plainte|tout va bien|ninguna queja|todo esta bien|"
    r"nenhuma reclamacao|esta tudo bem)\b"
)


def instruction_spans(plain: str, line_ends: Collection[int] = ()) -> list[Span]:
    """Sentences that speak to a machine, as spans of a text whose blanks are single; neighbours are one span. `line_ends`: blanks that were
    ends of a line, where a sentence ends too."""
    folded = fold(plain)
    if not _MAYBE.search(folded):
        return []
    for place in line_ends:
        folded = folded[:place] + "\n" + folded[place + 1 :]
    sentences = [Span(*match.span()) for match in _SENTENCE.finditer(folded) if match.group().strip()]
    flagged = [bool(_STRONG.search(folded, *span) or _META.search(folded, *span)) for span in sentences]
    if not any(flagged):
        return []
    for order in (range(1, len(sentences)), range(len(sentences) - 2, -1, -1)):
        step = 1 if order.step > 0 else -1
        for number in order:
            if flagged[number - step] and not flagged[number]:
                span = sentences[number]
                flagged[number] = bool(_GOES_ON.search(folded, span.start, span.end))
    spans: list[Span] = []
    for number, span in enumerate(sentences):
        if not flagged[number]:
            continue
        said = plain[span.start : span.end]
        start, end = span.end - len(said.lstrip()), span.start + len(said.rstrip())
        spans[-1:] = [Span(spans[-1].start, end)] if spans and flagged[number - 1] else [*spans[-1:], Span(start, end)]
    return spans


#: A quick look that most texts fail: one word that every strong form has one of.
_MAYBE = re.compile(
    rf"_|[{{\[]|#{{3}}|-{{5}}|={{5}}|system|assist|asist|develop|prompt|\bai\b|\bki\b|\bia\b|model|bot\b|classif|clasif|klassif|llm|gpt|\b(?:{_DROP})\b|now|jetzt|sofort|"
    r"maintenant|desormais|ahora|agora|act|pretend|verhalt|agis|comport|aja|atue|instru|anweis|consign|jailbreak|entwickler|label|topic|sentiment|json|schema|"
    rf"\b(?:{_TARGET})\b|\b(?:{_RECORD})\b|automati|output|ausgabe|sortie|salida|saida|{_VERDICT}|order|befehl|ordre|orden|withdr|zuruckgezogen|retir|\bend\b|begin|ende|fin\b|debut|inicio|fim|\b[a-z0-9+/]{{40}}|\"|user"
)
