"""How the console looks: one fixed style sheet. Colours and server settings are in `.streamlit/config.toml` beside this file.

Belongs here: fixed CSS. Nothing from data may ever be put into it.
"""

from __future__ import annotations

import streamlit as st

CSS = """
.block-container { padding-top: 3.6rem; padding-bottom: 4rem; max-width: 1240px; }
[data-testid="stText"], [data-testid="stText"] * { font-family: "Source Sans", sans-serif; white-space: pre-wrap; overflow-wrap: anywhere; }
[class*="st-key-look-shop"] [data-testid="stText"] { font-size: 1.65rem; font-weight: 650; line-height: 1.2; }
[class*="st-key-look-title"] [data-testid="stText"] { font-size: 1.18rem; font-weight: 650; line-height: 1.3; }
[class*="st-key-look-lead"] [data-testid="stText"] { font-size: 1.02rem; }
[class*="st-key-look-body"] [data-testid="stText"] { font-size: 0.95rem; }
[class*="st-key-look-step"] [data-testid="stText"] { font-size: 1rem; font-weight: 600; }
[class*="st-key-look-quiet"] [data-testid="stText"], [class*="st-key-look-quiet"] [data-testid="stText"] * { font-size: 0.84rem; }
[class*="st-key-look-quiet"] [data-testid="stText"], [data-testid="stCaptionContainer"] { opacity: 0.78; }
[data-testid="stCaptionContainer"], [data-testid="stCaptionContainer"] * { color: inherit; }
[class*="st-key-look-quote"] [data-testid="stText"] { font-size: 0.95rem; border-left: 3px solid #c9d0d9; padding-left: 0.6rem; }
[class*="st-key-marked-"] { display: block; }
[class*="st-key-marked-"] div, [class*="st-key-marked-"] span { display: inline; }
[class*="st-key-marked-"] [data-testid="stText"] { font-size: 1.12rem; line-height: 1.7; }
[class*="-spaced-piece-"]::before { content: " "; white-space: pre-wrap; }
[class*="st-key-quoted-"] [data-testid="stText"] { background: #fff0b3; border-bottom: 2px solid #d9a400; color: #1b2430; padding: 0.1rem 0; }
[class*="st-key-choices-"], [class*="st-key-choices-"] [data-testid="stVerticalBlock"] { gap: 0.4rem 0.5rem; }
.st-key-choices-both { column-gap: 2rem !important; }
.st-key-acts-review { position: sticky; bottom: 0; z-index: 5; background: #ffffff; color: #1b2430; padding: 0.6rem 0; border-top: 1px solid #e3e7ec; }
[class*="st-key-record-"], [class*="st-key-heading-"] { gap: 0.15rem; }
[class*="st-key-card-"] { gap: 0.55rem; }
:is([class*="st-key-notice-"], [class*="st-key-refused-"], [class*="st-key-provisional"]) [data-testid="stText"] { color: #1b2430; }
[class*="st-key-notice-"] { background: #e7f0fe; border: 1px solid #b9d0f5; border-radius: 0.3rem; padding: 0.5rem 0.8rem; }
[class*="st-key-refused-"] { background: #fdecea; border: 1px solid #f2b8b1; border-radius: 0.3rem; padding: 0.5rem 0.8rem; }
[class*="st-key-narrow-"] { display: none; }
@media (max-width: 640px) {
  [class*="st-key-wide-"] { display: none; }
  [class*="st-key-narrow-"] { display: flex; }
  [class*="st-key-narrow-"] [data-testid="stText"] { font-size: 0.92rem; line-height: 1.45; border-left: 3px solid #c9d0d9; padding-left: 0.6rem; }
}
[class*="st-key-provisional"] { background: #fff7e0; border: 1px solid #ecd28a; border-radius: 0.3rem; padding: 0.5rem 0.8rem; }
"""


def apply() -> None:
    """Put the style sheet on the page."""
    st.html(f"<style>{CSS}</style>")
