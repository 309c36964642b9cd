"""What replies cost, in words: an estimate, unless the service itself says it."""

from __future__ import annotations

from decimal import Decimal

from playground.i18n import Translator
from playground.messages import Conversation, ReplyInfo
from playground.providers import ProvidersFile
from playground.usage import reply_cost, spent, was_billed
from ui.markdown import plain

LEAST = Decimal("0.0001")


def reply_price(t: Translator, info: ReplyInfo, providers: ProvidersFile) -> str:
    """The price of one reply, or "" where there is nothing to say."""
    provider = providers.all.get(info.provider)
    if provider is None or not provider.needs_key or not was_billed(info):
        return ""
    paid = reply_cost(info, providers)
    if paid.amount is None:
        return t("money.unknown")
    if paid.basis == "free":
        return t("money.free")
    return t("money.reported" if paid.basis == "reported" else "money.about", amount=dollars(paid.amount))


def price_basis(t: Translator, info: ReplyInfo, providers: ProvidersFile, language: str) -> str:
    """What the price of one reply rests on, and what its provider gives for free."""
    paid = reply_cost(info, providers)
    told = [t(f"money.basis.{paid.basis}")]
    if paid.estimated:
        told.append(t("money.estimated"))
    if (free := providers[info.provider].free_tier.get(language)) and paid.basis != "free":
        told.append(t("sidebar.free", text=plain(free)))
    return "  \n".join(told)


def conversation_price(t: Translator, conversation: Conversation, providers: ProvidersFile) -> str:
    """The price of all replies so far, or "" where nothing was paid."""
    paid = spent(conversation, providers)
    if not paid.amount:
        return ""
    words = t("money.total_about" if paid.estimated else "money.total", amount=dollars(paid.amount))
    return f"{words} {t('money.total_missing', count=paid.unknown)}" if paid.unknown else words


def dollars(amount: Decimal) -> str:
    """US dollars with as many digits as a fraction of a cent needs; `$` is escaped for Markdown."""
    if 0 < amount < LEAST:
        return f"<\\${LEAST}"
    return f"\\${amount:.4f}" if amount < 1 else f"\\${amount:.2f}"
