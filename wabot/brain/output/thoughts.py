"""Takes off what a model thought aloud: it is never an answer, even where nothing else came. Pure."""

from __future__ import annotations

import re

_NAME = (
    r"(?:[a-z]{1,12}:)?(?:(?:[a-z]{1,12}_){0,2}(?:ant)?(?:think|thinking|thoughts?|reason|reasoning|reflection"
    r"|scratchpad|monologue|cot|planning)(?:_(?:process|content|steps?|trace|budget_reflect))?|analysis"
    r"|rationale|chain_of_thought)"
)
_LESS, _GREATER = r"(?:\\?[<＜]|&lt;)", r"(?:[>＞]|&gt;)"
# As tags; then of Mistral, Kimi, OpenThinker, Cohere, Gemma, MedGemma, Apertus.
_MARK = re.compile(
    rf"(?P<begin>{_LESS}{_NAME}\b[^<>＜＞&]{{0,100}}(?<!/){_GREATER}|\[THINK(?:ING)?\]|◁think▷"
    r"|<[|｜](?:begin[▁_]of[▁_]th(?:ought|inking)|START_THINKING|inner_prefix|think|thinking)[|｜]>"
    r"|<\|channel>\s{0,3}(?:thought|analysis)\b|<unused94>)"
    rf"|(?P<end>{_LESS}/{_NAME}\s{{0,3}}{_GREATER}|\[/THINK(?:ING)?\]|◁/think▷"
    r"|<[|｜](?:end[▁_]of[▁_]th(?:ought|inking)|END_THINKING|inner_suffix|/think|/thinking)[|｜]>|<channel\|>|<unused95>)",
    re.IGNORECASE,
)
# As a block of Markdown, as Open WebUI folds it, as the command line of Ollama shows it.
_BLOCK = re.compile(
    r"^[ \t]{0,3}```(?:think(?:ing)?|thoughts?|reasoning)[ \t]{0,9}\n.*?(?:^[ \t]{0,3}```[ \t]{0,9}$|\Z)"
    r"|<details\b(?:[^<>]{0,200}\breasoning\b[^<>]{0,200}>|[^<>]{0,200}>\s{0,9}<summary>[^<>]{0,40}"
    r"(?:think|thought|reason)).*?(?:</details>|\Z)"
    r"|\A\s{0,9}Thinking(?:\.\.\.|…)\n.*?(?:^(?:\.\.\.|…)done thinking\.|\Z)",
    re.DOTALL | re.MULTILINE | re.IGNORECASE,
)
# Where what was meant to be the answer is marked, too.
_MARKED_ANSWER = re.compile(
    r"<(answer|response|final_answer|final|solution|output)>(.*?)(?:</\1>|\Z)"
    r"|<\|(?:begin_of_solution|START_RESPONSE)\|>(.*?)(?:<\|(?:end_of_solution|END_RESPONSE)\|>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_TOLD_THOUGHT = re.compile(
    r"\A\s*(?P<mark>\*\*|#{1,4} )?(?:here(?: is|'s) my (?:thought|thinking|reasoning) process|thoughts?|"
    r"thinking(?: process)?|reasoning|razonamiento|pensamiento|racioc[ií]nio)"
    r"(?:(?:\*\*)?:|(?(mark)(?:\*\*)?[ \t]{0,3}$|(?!)))",
    re.IGNORECASE | re.MULTILINE,
)
_TOLD_ANSWER = re.compile(
    r"^[ \t]*(?:\*\*|#{1,4} )?(?:here(?: is|'s) my (?:response|answer)|(?:final )?(?:answer|response)|"
    r"respuesta(?: final)?|resposta(?: final)?)(?:(?:\*\*)?:(?:\*\*)?|(?:\*\*)?[ \t]{0,3}$)",
    re.IGNORECASE | re.MULTILINE,
)

# The harmony format of gpt-oss: as it is, and with its marks taken out, which leaves their names in the text.
_CHANNEL, _MESSAGE = "<|channel|>", "<|message|>"
_END_OF_MESSAGE = re.compile(r"<\|(?:end|return|call|start|channel)\|>")
_SHOWN_CHANNELS = ("final", "assistant", "response", "answer")
_BARE_BEGINNING = re.compile(
    r"\A\s*(?:assistant)?(?:(?:analysis|commentary)(?=[^\W\da-z_]|[\"'“«(¿¡*\[{<]|\s*to=)"
    r"|(?:analysis|commentary)\b(?=.*?assistant\s{0,2}final)|to=functions\.)",
    re.DOTALL,
)
_BARE_FINAL = re.compile(r"assistant\s{0,2}final\s{0,2}(?:json(?=\s*[{\[]))?")
_GLUED_FINAL = re.compile(r"(?:assistant|\A\s*)final(?=[^\W\da-zà-ÿ_]|[\"'“«¿¡*])")
_BARE_NEXT = re.compile(r"assistant\s{0,2}(?:analysis|commentary|final)(?=[^\W\da-z_]|\s*to=)")


def strip_thoughts(text: str) -> str:
    """What of a model's text is no thought; "" where it got no further than thinking."""
    text = text.replace("\\u003c", "<").replace("\\u003e", ">")
    return _outside_marks(_said_after_thinking(_BLOCK.sub("", _final_channel(text))))


def _final_channel(text: str) -> str:
    """The channel meant for the customer, where a text has channels; "" when that one is not among them."""
    if _CHANNEL in text:
        for segment in text.split(_CHANNEL)[1:]:
            header, message, body = segment.partition(_MESSAGE)
            if not message:
                header, _, body = segment.partition("final")
                header = "" if header.strip() else "final"
            if header.strip().lower().startswith(_SHOWN_CHANNELS):
                body = _END_OF_MESSAGE.split(body, maxsplit=1)[0]
                if body.strip():
                    return body
        return ""
    beginning = _BARE_BEGINNING.match(text)
    final = (_BARE_FINAL if beginning else _GLUED_FINAL).search(text)
    if final:
        return _BARE_NEXT.split(text[final.end() :], maxsplit=1)[0]
    return "" if beginning else text


def _said_after_thinking(text: str) -> str:
    if not _TOLD_THOUGHT.match(text):
        return text
    answer = _TOLD_ANSWER.search(text)
    return text[answer.end() :] if answer else ""


def _outside_marks(text: str) -> str:
    kept: list[str] = []
    start, thinking, was_marked = 0, False, False
    for mark in _MARK.finditer(text):
        was_marked = True
        if mark["begin"]:
            if not thinking:
                kept.append(text[start : mark.start()])
            thinking = True
            continue
        if not thinking:
            # The prompt opened it: all so far was thought.
            kept.clear()
        start, thinking = mark.end(), False
    if not thinking:
        kept.append(text[start:])
    said = "".join(kept)
    answer = _MARKED_ANSWER.search(said)
    if answer and (was_marked or not said[: answer.start()].strip()):
        return answer[2] or answer[3] or ""
    return answer[2] or answer[3] or said if answer and said.rstrip().endswith(">") else said
