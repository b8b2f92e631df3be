"""Checks whether the configured models answer."""

from __future__ import annotations

import dataclasses
import ipaddress
import urllib.parse

from wabot.brain.provider import Provider
from wabot.brain.provider_error import ProviderError
from wabot.brain.settings import ProviderSettings
from wabot.diagnosis import Finding, Patient, healthy, illness

_TIMEOUT_SECONDS = 20.0
_QUESTION = [{"role": "user", "content": "Answer with one word: ready?"}]


def check_providers(patient: Patient) -> list[Finding]:
    """Ask each model a short question; those on other machines only when that is allowed."""
    providers = patient.settings.ai.providers
    if not providers:
        return [_knowledge(patient)]
    return [_ask(patient, provider) for provider in providers]


def _knowledge(patient: Patient) -> Finding:
    """Without a model the texts are all there is to answer from."""
    folder = patient.settings.ai.knowledge
    if folder is not None and any(folder.rglob("*.md")):
        return healthy("ai", "no model is configured, the knowledge folder answers")
    text = f"no model is configured, and {folder or 'ai.knowledge'} has no text: no question is answered"
    return illness("ai", text, f"put texts (.md) there, or set ai.knowledge in {patient.configuration}")


def _ask(patient: Patient, settings: ProviderSettings) -> Finding:
    name = f"ai {settings.name}"
    if not patient.online and not _is_here(settings.base_url):
        return healthy(name, "not asked, it is on another machine; with --online it is")
    try:
        Provider(dataclasses.replace(settings, max_tokens=min(settings.max_tokens, 50))).complete(
            _QUESTION, _TIMEOUT_SECONDS
        )
    except ProviderError as error:
        # Few tokens can be too few for a model that thinks first; that it answered is what counts.
        if error.kind != "empty":
            return illness(name, error.explanation, _cure(patient, settings, error))
    return healthy(name, f"{settings.model} answers")


def _cure(patient: Patient, settings: ProviderSettings, error: ProviderError) -> str:
    if error.kind in ("unreachable", "dropped", "timeout", "unavailable"):
        return (
            f"start it, or edit the base_url of [[ai.providers]] {settings.name} in {patient.configuration}"
        )
    if error.kind == "rate_limited":
        return "wait, or raise the limit of the account at the provider"
    return f"edit [[ai.providers]] {settings.name} in {patient.configuration}: base_url, model, api_key"


def _is_here(base_url: str) -> bool:
    host = urllib.parse.urlsplit(base_url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
