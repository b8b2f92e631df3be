"""Checks whether the configured models answer what the bot asks them."""

from __future__ import annotations

import ipaddress
import tempfile
import urllib.parse
from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path

from wabot.answers.budget import Spending, limits_of, spending_on
from wabot.brain.conversation import Conversation, Turn
from wabot.brain.knowledge.base import KnowledgeBase, list_files
from wabot.brain.output.completion import ProviderError
from wabot.brain.pictures import Picture
from wabot.brain.prompt import Persona, compose_messages
from wabot.brain.providers.provider import Provider
from wabot.brain.providers.request import Message
from wabot.brain.settings import ProviderSettings
from wabot.doctor.finding import Examined, Finding, ask_database, healthy, problem

_LONGEST_SECONDS = 60.0
# A red picture of 32 by 32 pixels, which is what some take at least.
_DOT = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAACAAAAAgCAIAAAD8GO2jAAAAKElEQVR42u3NQQ0AAA"
    "gEoNP+nTWFDzcoQE1udQQCgUAgEAgEAsGTYAGjxAE/G/Q2tQAAAABJRU5ErkJggg=="
)
MOST_WORDS_OF_OTHERS = 200
_PASSAGES = 4
_KNOWLEDGE_SECONDS = 10.0
# A chat as any other: words of both sides, and a question that finds facts in most shops.
_SAID = (
    Turn("user", "hola"),
    Turn("assistant", "¡Hola! ¿En qué puedo ayudarle?"),
    Turn("user", "What are your opening hours, prices, shipping and payment? Answer with one word: ready?"),
)


def check_providers(examined: Examined) -> list[Finding]:
    """Ask each model as the bot would; those on other machines only when that is allowed."""
    providers = examined.settings.ai.providers
    if not providers:
        return [_knowledge(examined)]
    messages = _as_the_bot_asks(examined)
    return [_ask(examined, provider, messages) for provider in providers]


def _as_the_bot_asks(examined: Examined) -> list[Message]:
    """With its persona, its rules, facts of the shop and what was said before."""
    ai, account = examined.settings.ai, examined.settings.account
    knowledge = KnowledgeBase(ai.knowledge, patience_seconds=_KNOWLEDGE_SECONDS)
    question = "opening hours, prices, shipping, payment; horario, precios, envío, pago"
    passages = knowledge.search(question, account.language, _PASSAGES)
    persona = Persona(ai.system_prompt_file).text()
    conversation = Conversation(_SAID, account.language)
    return compose_messages(persona, conversation, passages, account.language, account.local_time())


def _knowledge(examined: Examined) -> Finding:
    """Without a model the texts are all there is to answer from."""
    folder = examined.settings.ai.knowledge
    if folder is not None and list_files(folder):
        return healthy("ai", "no model is configured, the knowledge folder answers")
    text = f"no model is configured, and {folder or 'ai.knowledge'} has no text: no question is answered"
    return problem(
        "ai", text, f"put texts (.md, .pdf) there, or set ai.knowledge in {examined.configuration}"
    )


def _ask(examined: Examined, settings: ProviderSettings, messages: Sequence[Message]) -> Finding:
    name = f"ai {settings.name}"
    if not examined.online and not is_here(settings.base_url):
        return healthy(name, "not asked, it is on another machine; with --online it is")
    provider = Provider(settings)
    try:
        provider.complete(messages, _LONGEST_SECONDS)
    except ProviderError as error:
        said = " ".join(error.said.split())[:MOST_WORDS_OF_OTHERS]
        text = f"{error.explanation}; it says: {said}" if said else error.explanation
        return problem(name, text, _cure(examined, settings, error))
    if provider.form.prompt_tokens:
        text = f"{settings.model} takes no more than about {provider.form.prompt_tokens} tokens at once: "
        text += "earlier messages and facts are left out"
        return problem(name, text, _larger_context(settings))
    if settings.vision is False:
        return healthy(name, f"{settings.model} answers, and is shown no pictures")
    if _sees(provider):
        return healthy(name, f"{settings.model} answers, and takes pictures")
    if settings.vision:
        text = f"{settings.model} takes no pictures, and vision = true: each is refused before it answers"
        text += " without"
        return problem(name, text, f"set vision = false for {settings.name}, or choose a model that sees")
    return healthy(name, f"{settings.model} answers, and takes no pictures")


def _sees(provider: Provider) -> bool:
    """Whether a model answers with a picture before it; whether it looks at that, only a person can tell."""
    with tempfile.TemporaryDirectory() as folder:
        picture = Picture(Path(folder) / "picture")
        picture.path.write_bytes(_DOT)
        question = {"role": "user", "content": "What is this? Answer with one word.", "pictures": (picture,)}
        try:
            return provider.complete([question], _LONGEST_SECONDS).pictures > 0
        except ProviderError:
            return False


def _cure(examined: Examined, settings: ProviderSettings, error: ProviderError) -> str:
    section = f"[[ai.providers]] {settings.name} in {examined.configuration}"
    match error.kind:
        case "unreachable" | "dropped" | "timeout" | "unavailable":
            return f"start it, or edit the base_url of {section}"
        case "rate_limited":
            return "wait, or raise the limit of the account at the provider"
        case "no_credit":
            return "add credit to the account at the provider, or raise its spending limit there"
        case "unauthorized":
            return f"edit the api_key of {section}, or let the provider allow this account the model"
        case "not_found" if "model" in error.explanation:
            load = f"load {settings.model} there (Ollama: ollama pull {settings.model}), or "
            return f"{load if is_here(settings.base_url) else ''}edit the model of {section}"
        case "not_found" | "redirected":
            return f"edit the base_url of {section}: the address up to and with /v1"
        case "empty":
            return f"raise the max_tokens of {section}, or choose a model that does not think first"
        case "too_long":
            return _larger_context(settings)
        case "refused":
            return "its filter refuses the persona or the facts: edit these texts, or choose another model"
        case _:
            return f"edit {section}: base_url, model, api_key"


def _larger_context(settings: ProviderSettings) -> str:
    if is_here(settings.base_url):
        return "start it with a larger context (llama.cpp: -c 8192; Ollama: OLLAMA_CONTEXT_LENGTH=8192)"
    return "choose a model with a larger context there, or shorten the persona"


def is_here(base_url: str) -> bool:
    """Whether an address is on this machine."""
    host = urllib.parse.urlsplit(base_url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_budget(examined: Examined) -> list[Finding]:
    """Each limit that is set; nothing when none is, or when the database cannot be asked, which is told."""
    settings = examined.settings
    if not limits_of(settings.ai):
        return []
    today = settings.account.local_time().date()
    spending = ask_database(examined, lambda _: spending_on(settings.account, settings.ai, today))
    return [_judge(each, examined) for each in spending or ()]


def _judge(spending: Spending, examined: Examined) -> Finding:
    if not spending.is_spent:
        return healthy("ai budget", str(spending))
    where = f"{spending.limit.section} in {examined.configuration}"
    raised = "seconds_per_day" if spending.limit.unit == "seconds" else "calls_per_day or tokens_per_day"
    cure = f"raise {raised} of {where}, or wait for midnight"
    return problem("ai budget", f"{spending}: spent, so it is not asked", cure)
