"""The closed list of channels (R41): what sources call a channel, and what it is called here."""

from __future__ import annotations

CHANNELS = ("marketplace", "storefront", "email", "phone", "web_form", "chat", "survey", "return", "web_session", "social", "app", "other")

#: Where a source's own word is not telling, its source decides.
BY_SOURCE = {
    "reviews": "storefront", "support_tickets": "email", "chats": "chat", "surveys": "survey", "returns": "return",
    "clickstream": "web_session", "social": "social",
}

SYNONYMS = {
    "amazon": "marketplace", "ebay": "marketplace", "etsy": "marketplace", "marketplace": "marketplace", "zalando": "marketplace", "otto": "marketplace",
    "storefront": "storefront", "website": "storefront", "web": "storefront", "direct": "storefront", "shop": "storefront", "store": "storefront",
    "email": "email", "mail": "email", "e-mail": "email", "phone": "phone", "voice": "phone", "call": "phone",
    "form": "web_form", "web_form": "web_form", "webform": "web_form", "contact_form": "web_form", "help_center": "web_form",
    "chat": "chat", "messaging": "chat", "messenger": "chat", "whatsapp": "chat", "live_chat": "chat",
    "app": "app", "ios": "app", "android": "app", "in_app": "app", "mobile": "app", "api": "web_form", "social": "social", "twitter": "social",
}
