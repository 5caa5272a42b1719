"""Words that carry no matter of their own in the five languages: they neither name a theme nor place a text.

Belongs here: function words and greetings. Does not belong here: words that only seem dull ("box", "order") in one
shop.
"""

from __future__ import annotations

from insights_assets.labels.words import fold

_WRITTEN = {
    "en": (
        "a an the this that these those it its i i'm i've me my mine we our us you your yours he she they them "
        "their his her and or but nor so if then than as at by for from in into of off on onto out over to up "
        "down under with without within about after again all also am any are aren't be been before being both "
        "can can't cannot could couldn't did didn't do does doesn't doing don't each even ever every few further "
        "get gets getting go goes going got had hadn't has hasn't have haven't having here how just like made "
        "make more most much no not now only other own really same should since some still such there there's "
        "through too until very was wasn't well were weren't what when where which while who why will won't would "
        "wouldn't yet one two hello hi dear please thanks thank regards it's that's isn't"
    ),
    "de": (
        "der die das den dem des ein eine einen einem einer eines und oder aber doch nicht kein keine keinen ich "
        "mich mir mein meine meinen meiner wir uns unser unsere sie ihr ihre ihnen er es du sich man ist sind war "
        "waren wird werden wurde wurden bin habe hat haben hatte hatten kann können konnte soll sollte muss mit "
        "ohne für von vom zum zur zu im in an am auf aus bei beim bis durch gegen nach seit über um unter vor als "
        "wie wenn weil dass ob da dann denn noch nur schon auch sehr so mehr hier jetzt immer wieder was wer wo "
        "warum hallo bitte danke"
    ),
    "fr": (
        "le la les l un une des du de d et ou mais ne pas plus ni je j me m mon ma mes nous notre nos vous votre "
        "vos il elle ils elles on se s son sa ses leur leurs ce c cet cette ces ça cela que qu qui quoi dont où "
        "est sont était étaient être été ai a as avons avez ont avait fait faire en dans sur sous par pour avec "
        "sans chez vers à au aux très trop bien tout toute tous toutes si comme quand alors donc encore déjà "
        "aussi bonjour merci c'est j'ai n'est n'ai qu'il d'un d'une l'ai"
    ),
    "es": (
        "el la los las lo un una unos unas de del y o u pero ni no me mi mis nos nuestro nuestra te tu se su sus "
        "le les yo ella ellos que qué quien cual es son era fue fueron ser sido está están estaba he ha han había "
        "hay tiene tengo en con sin por para a al desde hasta sobre entre muy más menos ya también aún todo toda "
        "todos todas este esta estos estas ese esa eso esto como cuando donde porque si hola gracias"
    ),
    "pt": (
        "o a os as um uma uns umas de do da dos das e ou mas nem não me meu minha meus minhas nós nosso nossa te "
        "seu sua seus suas lhe eu ele ela eles elas que quem qual é são era foi foram ser sido está estão estava "
        "tem tenho há em no na nos nas num numa com sem por para pelo pela ao à aos às desde até sobre entre "
        "muito mais menos já também ainda tudo todo toda este esta isso isto esse essa como quando onde porque se "
        "olá obrigado obrigada"
    ),
}

#: Language -> its function words, folded.
BY_LANGUAGE = {language: frozenset(fold(word) for word in words.split()) for language, words in _WRITTEN.items()}
STOP_WORDS = frozenset().union(*BY_LANGUAGE.values())
