"""Finds the model's own turn where a server hands the raw text of its chat template over. Pure.

What stands before it is the prompt, what stands after it a conversation that the model made up.
"""

from __future__ import annotations

import re

# Who speaks next: ChatML, Llama, Gemma, harmony, Granite, Phi and GLM, Cohere, DeepSeek, EXAONE, Nemotron,
# Mistral, Alpaca.
_HEADER = (
    r"<\|im_start\|>\s{0,3}(?P<chatml>\w{0,20})[^\n<]{0,40}\n?"
    r"|<\|(?:start_header_id|header_start)\|>\s{0,3}(?P<llama>\w{0,20})\s{0,3}"
    r"(?:<\|(?:end_header_id|header_end)\|>)?"
    r"|<start_of_turn>[ \t]{0,3}(?P<gemma>\w{0,20})\n?"
    r"|<\|turn>[ \t]{0,3}(?P<gemma_4>\w{0,20})\n?"
    r"|<\|start\|>\s{0,3}(?P<harmony>\w{0,20})[^<\n]{0,60}(?:<\|message\|>)?"
    r"|<\|start_of_role\|>(?P<granite>\w{0,20})<\|end_of_role\|>"
    r"|<\|(?P<phi>system|user|assistant|tool|observation|bot|model|human)\|>\n?"
    r"|<\|(?P<cohere>SYSTEM|USER|CHATBOT)_TOKEN\|>"
    r"|<｜(?P<deepseek>User|Assistant|System)｜>"
    r"|\[\|(?P<exaone>system|user|assistant)\|\]"
    r"|<extra_id_1>(?P<nemotron>\w{0,20})\n?"
    r"|(?P<to_user>\[INST\]|<</SYS>>|\[/SYSTEM_PROMPT\])|(?P<to_system><<SYS>>|\[SYSTEM_PROMPT\])"
    r"|(?P<to_assistant>\[/INST\])"
    r"|^\#{2,3}[ \t]{1,3}(?P<alpaca>human|user|assistant|instruction|response|system|input|customer|usuario"
    r"|cliente)[ \t]{0,3}:"
    r"|^(?P<claude>Human):"
)
_END = (
    r"<\|(?:im_end|eot_id|eom_id|end|endoftext|end_of_text|eot|return|call|END_OF_TURN_TOKEN|eos|end_of_turn"
    r"|endofturn|START_OF_TURN_TOKEN)\|>|<end_of_turn>|<turn\|>|<｜end▁of▁sentence｜>|</s>|<eos>|\[/?EOS\]"
    r"|\[\|endofturn\|\]"
)
_MARK = re.compile(rf"(?P<header>{_HEADER})|(?P<end>{_END})", re.MULTILINE | re.IGNORECASE)
_OWN_ROLES = frozenset({"", "assistant", "model", "bot", "chatbot", "ai", "response", "gpt"})

_OWN_NAME = re.compile(
    r"\A\s*(?:\*\*)?(?:assistant|asistente|assistente|bot)(?:\*\*)?\s*:(?:\*\*)?\s*", re.IGNORECASE
)
# Where a model goes on to invent what the customer says next, and its own answer to that.
_OTHER_NAME = re.compile(
    r"^(?:\*\*)?(?:\[?(?:user|human|customer|usuario|cliente|usuário)\]?(?:\*\*)?[ \t]{0,3}:"
    r"|<(?:user|human|customer)>)",
    re.IGNORECASE | re.MULTILINE,
)
_OWN_NAME_AGAIN = re.compile(
    r"^(?:\*\*)?(?:\[?(?:assistant|asistente|assistente|bot|agent|agente|shop|tienda|loja|support|soporte)\]?"
    r"(?:\*\*)?[ \t]{0,3}:|<assistant>)",
    re.IGNORECASE | re.MULTILINE,
)
_LEFT_OVER = re.compile(r"<[|｜]/?[A-Za-z0-9_▁]{1,40}[|｜]>|</?assistant>|<(?:bos|s|unk|pad)>|\[BOS\]")
_BYTES = re.compile(r"(?:<0x[0-9A-F]{2}>){1,200}")
# Crossed out in HTML, which ends like a text of Llama's.
_CROSSED_OUT = re.compile(r"(?<=[^\s>])([ \t\n]?)<s>([^<\n]{1,200})</s>(?=\s*\S)")


def own_turn(text: str) -> str:
    """What a model says in its own turn."""
    text = _CROSSED_OUT.sub(r"\1~~\2~~", text)
    said = _own_segment(text)
    own = _OWN_NAME_AGAIN.search(said) if _OTHER_NAME.match(said.lstrip()) else None
    named = own or _OWN_NAME.match(said)
    if named:
        said = said[named.end() :].lstrip("* ")
    other = _OTHER_NAME.search(said)
    if other and (named or _OWN_NAME_AGAIN.search(said, other.end())):
        said = said[: other.start()]
    return said


def drop_tokens(text: str) -> str:
    """Drop what else of a model's own language was left in its text."""
    text = _BYTES.sub(
        lambda found: bytes.fromhex(found[0].replace("<0x", "").replace(">", "")).decode(
            "utf-8", errors="ignore"
        ),
        text,
    )
    return _LEFT_OVER.sub("", text)


def _own_segment(text: str) -> str:
    """The first piece that is the model's and not blank."""
    is_own, start = True, 0
    for mark in _MARK.finditer(text):
        if is_own and text[start : mark.start()].strip():
            return text[start : mark.start()]
        is_own, start = bool(mark["header"]) and _role_of(mark) in _OWN_ROLES, mark.end()
    return text[start:] if is_own else ""


def _role_of(mark: re.Match[str]) -> str:
    groups = {
        name: value for name, value in mark.groupdict().items() if name != "header" and value is not None
    }
    name, value = next(iter(groups.items()), ("", ""))
    return name.removeprefix("to_") if name.startswith("to_") else value.lower()
