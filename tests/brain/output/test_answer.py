"""What real servers answer, and what comes of it: the outcome first, then what the customer reads."""

from __future__ import annotations

import gzip
import json
import time
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabot.brain.output.answer import CallOutcome, ModelAnswer, read_answer
from wabot.brain.output.body import MAX_UNPACKED_BYTES, RawAnswer
from wabot.brain.output.control_words import HAND_OVER, SILENCE, TELL_TEAM

OPEN = "Abrimos a las 10."
THOUGHT = "The customer asks when we open. The facts say ten."
A, S, H = CallOutcome.ANSWER, CallOutcome.SILENCE, CallOutcome.HAND_OVER


def reading(status: int, body: object, **of_the_line: str) -> ModelAnswer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_answer(RawAnswer(status, raw, **of_the_line), 10)


def chat(content: object, finish: object = "stop", **message: object) -> dict[str, Any]:
    """A chat completion of OpenAI's."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": content, **message},
        "finish_reason": finish,
    }
    return {"id": "chatcmpl-1", "object": "chat.completion", "choices": [choice]}


def said(content: str, finish: str = "stop") -> tuple[CallOutcome, str]:
    answer = reading(200, chat(content, finish))
    return answer.outcome, answer.reply.text


# --- what a model wrote

TEXTS: dict[str, tuple[str, CallOutcome, str]] = {
    # Thoughts.
    "qwen": (f"<think>\n{THOUGHT}\n</think>\n\n{OPEN}", A, OPEN),
    "qwen, not thinking": (f"<think>\n\n</think>\n\n{OPEN}", A, OPEN),
    "deepseek: the template opened it": (f"{THOUGHT}\n</think>\n\n{OPEN}", A, OPEN),
    "quoting its own tag": (f"<think>I use <think> for this.</think>{OPEN}", A, OPEN),
    "other end than beginning": (f"<thinking>{THOUGHT}</think>{OPEN}", A, OPEN),
    "cut while it thinks": (f"<think>{THOUGHT}", CallOutcome.FAILED, ""),
    "minimax": (f"<mm:think>{THOUGHT}</mm:think>{OPEN}", A, OPEN),
    "seed": (f"<seed:think>\n{THOUGHT}\n</seed:think>\n{OPEN}", A, OPEN),
    "kimi": (f"◁think▷{THOUGHT}◁/think▷{OPEN}", A, OPEN),
    "kimi, cut": (f"◁think▷{THOUGHT}", CallOutcome.FAILED, ""),
    "magistral": (f"[THINK]{THOUGHT}[/THINK]{OPEN}", A, OPEN),
    "magistral, the template opened it": (f"{THOUGHT}[/THINK]{OPEN}", A, OPEN),
    "gemma 4": (f"<|channel>thought\n{THOUGHT}\n<channel|>{OPEN}", A, OPEN),
    "gemma 4, cut": (f"<|channel>thought\n{THOUGHT}", CallOutcome.FAILED, ""),
    "cohere": (
        f"<|START_THINKING|>{THOUGHT}<|END_THINKING|><|START_RESPONSE|>{OPEN}<|END_RESPONSE|>",
        A,
        OPEN,
    ),
    "openthinker": (
        f"<|begin_of_thought|>{THOUGHT}<|end_of_thought|><|begin_of_solution|>{OPEN}<|end_of_solution|>",
        A,
        OPEN,
    ),
    "hunyuan": (f"<think>{THOUGHT}</think><answer>\n{OPEN}\n</answer>", A, OPEN),
    "granite": (f"Here is my thought process:\n{THOUGHT}\nHere is my response:\n{OPEN}", A, OPEN),
    "escaped for HTML": (f"&lt;think&gt;{THOUGHT}&lt;/think&gt;{OPEN}", A, OPEN),
    "escaped for JSON twice": (f"\\u003cthink\\u003e{THOUGHT}\\u003c/think\\u003e{OPEN}", A, OPEN),
    "agents": (f"Thought: {THOUGHT}\nFinal Answer: {OPEN}", A, OPEN),
    "an ordinary reason": ("El pensamiento <positivo> ayuda.", A, "El pensamiento <positivo> ayuda."),
    "full width": ("＜think＞x＜/think＞Abrimos a las 10.", A, OPEN),
    "an answer that is marked": (f"<output>{OPEN}</output>", A, OPEN),
    "glm, in a box": (f"<think>x</think><|begin_of_box|>{OPEN}<|end_of_box|>", A, OPEN),
    # Channels of gpt-oss.
    "harmony": (
        f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>final<|message|>{OPEN}<|return|>",
        A,
        OPEN,
    ),
    "harmony, cut in the analysis": (f"<|channel|>analysis<|message|>{THOUGHT}", CallOutcome.FAILED, ""),
    "harmony, a call": (
        '<|channel|>commentary to=functions.get_hours <|constrain|>json<|message|>{"day":"mon"}<|call|>',
        CallOutcome.FAILED,
        "",
    ),
    "harmony, analysis then call": (
        f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>commentary "
        'to=functions.get_hours<|message|>{"day":"mon"}',
        CallOutcome.FAILED,
        "",
    ),
    "harmony, final with a format": (
        f"<|channel|>final <|constrain|>text<|message|>{OPEN}",
        A,
        OPEN,
    ),
    "harmony, going on": (
        f"<|channel|>final<|message|>{OPEN}<|end|><|start|>user<|message|>gracias<|end|>"
        "<|start|>assistant<|channel|>final<|message|>De nada.",
        A,
        OPEN,
    ),
    "harmony, its marks taken out": (f"analysis{THOUGHT}assistantfinal{OPEN}", A, OPEN),
    "harmony, taken out and cut": (f"analysis{THOUGHT}", CallOutcome.FAILED, ""),
    "harmony, taken out, a call": (
        f'analysis{THOUGHT}assistantcommentary to=functions.get_hours json{{"day":"mon"}}',
        CallOutcome.FAILED,
        "",
    ),
    "harmony, taken out, only the answer": (f"final{OPEN}", A, OPEN),
    "harmony, taken out, the beginning lost": (f"{THOUGHT}assistantfinal{OPEN}", A, OPEN),
    "analysis, a word": ("Analysis of hair costs 20 €.", A, "Analysis of hair costs 20 €."),
    "final, a word": ("final de mes: 10 % menos", A, "final de mes: 10 % menos"),
    # Calls of tools, which nobody offered.
    "qwen, a call": ('<tool_call>\n{"name": "hours", "arguments": {}}\n</tool_call>', CallOutcome.FAILED, ""),
    "qwen, a call after an answer": (f'{OPEN}\n<tool_call>\n{{"name": "hours"', A, OPEN),
    "qwen coder": (
        "<function=get_hours>\n<parameter=day>\nmonday\n</parameter>\n</function>",
        CallOutcome.FAILED,
        "",
    ),
    "qwen coder, wrapped": (
        "<tool_call>\n<function=get_hours>\n<parameter=day>monday</parameter>\n</function>\n</tool_call>",
        CallOutcome.FAILED,
        "",
    ),
    "qwen, in brackets": ('[Calling tool: get_hours({"day": "mon"})]', CallOutcome.FAILED, ""),
    "bare JSON": ('{"name": "get_hours", "arguments": {"day": "monday"}}', CallOutcome.FAILED, ""),
    "bare JSON of Llama": ('{"name": "get_hours", "parameters": {"day": "monday"}}', CallOutcome.FAILED, ""),
    "bare JSON, cut": ('{"name": "get_hours", "arguments": {"day": "mon', CallOutcome.FAILED, ""),
    "bare JSON, fenced": ('```json\n{"name": "get_hours", "arguments": {}}\n```', CallOutcome.FAILED, ""),
    "bare JSON, a list": (
        '[{"name": "a", "arguments": {}}, {"name": "b", "arguments": {}}]',
        CallOutcome.FAILED,
        "",
    ),
    "bare JSON, two in a row": (
        '{"name": "a", "arguments": {}}; {"name": "b", "arguments": {}}',
        CallOutcome.FAILED,
        "",
    ),
    "bare JSON after an answer": (f'{OPEN}\n{{"name": "a", "arguments": {{}}}}', A, OPEN),
    "bare JSON before an answer": (f'{{"name": "a", "arguments": {{}}}}\n{OPEN}', A, OPEN),
    "bare Python": ("{'name': 'get_hours', 'arguments': {'day': 'mon'}}", CallOutcome.FAILED, ""),
    "mistral": ('[TOOL_CALLS][{"name": "get_hours", "arguments": {}}]', CallOutcome.FAILED, ""),
    "llama": ('<|python_tag|>{"name": "get_hours", "parameters": {}}', CallOutcome.FAILED, ""),
    "llama 4": ('[get_hours(day="monday")]', CallOutcome.FAILED, ""),
    "gemma, code": ("```tool_code\nprint(get_hours())\n```", CallOutcome.FAILED, ""),
    "gemma 4, a call": ("<|tool_call>call:get_hours{day:monday}<tool_call|>", CallOutcome.FAILED, ""),
    "kimi, a call": (
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.get_hours:0<|tool_call_argument_begin|>{}"
        "<|tool_call_end|><|tool_calls_section_end|>",
        CallOutcome.FAILED,
        "",
    ),
    "deepseek, a call": (
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_hours\n```json\n{}\n```"
        "<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
        CallOutcome.FAILED,
        "",
    ),
    "deepseek, newer": ('<｜DSML｜function_calls><｜DSML｜invoke name="get_hours">', CallOutcome.FAILED, ""),
    "seed, a call": (
        "<seed:tool_call><function=get_hours></function></seed:tool_call>",
        CallOutcome.FAILED,
        "",
    ),
    "nemotron": ('<TOOLCALL>[{"name": "get_hours", "arguments": {}}]</TOOLCALL>', CallOutcome.FAILED, ""),
    "lm studio": ('[TOOL_REQUEST]{"name": "get_hours"}[END_TOOL_REQUEST]', CallOutcome.FAILED, ""),
    "phi": ('functools[{"name": "get_hours", "arguments": {}}]', CallOutcome.FAILED, ""),
    "agents, a call": ("Action: get_hours\nAction Input: {}", CallOutcome.FAILED, ""),
    "a call inside a line": (f'{OPEN} {{"name": "f", "arguments": {{}}}}', A, OPEN),
    "a call by the function's name": ('{"function": {"name": "f", "arguments": {}}}', CallOutcome.FAILED, ""),
    "a call without arguments": ('{"name": "get_hours"}', CallOutcome.FAILED, ""),
    "a call that is printed": ("print(default_api.get_hours(day='monday'))", CallOutcome.FAILED, ""),
    "a tag that broke off": (f"{OPEN}\n<tool_call", A, OPEN),
    "an object of no call": ('{"a": 1}', A, '{"a": 1}'),
    # Turns.
    "chatml, going on": (f"{OPEN}<|im_end|>\n<|im_start|>user\n¿Y el domingo?<|im_end|>", A, OPEN),
    "chatml, its own header": (f"<|im_start|>assistant\n{OPEN}<|im_end|>", A, OPEN),
    "chatml, the prompt before it": (
        f"<|im_start|>user\nhola<|im_end|>\n<|im_start|>assistant\n{OPEN}",
        A,
        OPEN,
    ),
    "llama 3, going on": (
        f"{OPEN}<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nVale<|eot_id|>",
        A,
        OPEN,
    ),
    "llama 2, going on": (f"{OPEN} </s><s>[INST] gracias [/INST] De nada </s>", A, OPEN),
    "gemma, going on": (f"{OPEN}<end_of_turn>\n<start_of_turn>user\nVale<end_of_turn>", A, OPEN),
    "gemma 4, going on": (f"{OPEN}<turn|>\n<|turn>user\nVale<turn|>", A, OPEN),
    "phi, going on": (f"{OPEN}<|end|><|user|>Vale<|end|>", A, OPEN),
    "deepseek, going on": (f"{OPEN}<｜end▁of▁sentence｜><｜User｜>Vale", A, OPEN),
    "alpaca, going on": (f"{OPEN}\n\n### Human: ¿Y el domingo?\n### Assistant: Cerrado.", A, OPEN),
    "names, going on": (f"Assistant: {OPEN}\nUser: gracias\nAssistant: De nada", A, OPEN),
    "names, going on without its own": (f"{OPEN}\nUser: gracias\nAssistant: De nada", A, OPEN),
    "a name that belongs to the answer": (
        "Wifi:\nUser: tienda\nClave: 1234",
        A,
        "Wifi:\nUser: tienda\nClave: 1234",
    ),
    "names, the customer's before it": (f"User: hola\nAssistant: {OPEN}", A, OPEN),
    "names, of other roles": (f"{OPEN}\nCustomer: gracias\nAgent: de nada", A, OPEN),
    "bytes of a token": (f"{OPEN}<0x0A>", A, OPEN),
    "crossed out": ("Antes <s>20 €</s> y ahora 15 €.", A, "Antes ~20 €~ y ahora 15 €."),
    # Words of control.
    "silence": ("NO_REPLY", S, ""),
    "silence, small": ("no_reply", S, ""),
    "silence, escaped": (r"NO\_REPLY", S, ""),
    "silence, escaped twice": (r"NO\\_REPLY", S, ""),
    "silence, escaped for HTML": ("NO&#95;REPLY", S, ""),
    "silence, in brackets": ("[NO_REPLY]", S, ""),
    "silence, in other brackets": ("{{NO_REPLY}}", S, ""),
    "silence, in bold and with a point": ("**NO_REPLY**.", S, ""),
    "silence, italic": ("_NO_REPLY_", S, ""),
    "silence, in code": ("```\nNO_REPLY\n```", S, ""),
    "silence, with blanks": ("No reply.", S, ""),
    "silence, in JSON": ('{"response": "NO_REPLY"}', S, ""),
    "silence, after a thought": (f"<think>{THOUGHT}</think>\nNO_REPLY", S, ""),
    "silence, explained before": ("This message is plainly an automatic notice.\n\nNO_REPLY", S, ""),
    "silence, explained before in Spanish": ("El mensaje es automático, así que: NO_REPLY", S, ""),
    "silence, explained after": ("NO_REPLY (automatic notice)", S, ""),
    "silence, something glued to it": ("NO_REPLYThe user is away.", S, ""),
    "silence, and a thank-you": ("¡Gracias!\nNO_REPLY", A, "¡Gracias!"),
    "silence, and a mark": ("NO_REPLY —", S, ""),
    "silence, in a tag": ("<NO_REPLY></NO_REPLY>", S, ""),
    "silence, in LaTeX": (r"$\text{NO\_REPLY}$", S, ""),
    "silence, after a label": ("Respuesta: NO_REPLY", S, ""),
    "silence, apart": ("NO_ REPLY", S, ""),
    "silence, by the rules": ("The rules say to answer only NO_REPLY.\n\nNO_REPLY", S, ""),
    "silence, of a notice": ("Es una notificación de entrega.\nNO_REPLY", S, ""),
    "a page": ("Vea https://tienda.example/no_reply y ya.", A, "Vea https://tienda.example/no_reply y ya."),
    "capitals": ("NO REPLY emails are not read.", A, "NO REPLY emails are not read."),
    "an address": ("Escriba a no_reply@tienda.example.", A, "Escriba a no_reply@tienda.example."),
    "a sentence": ("If there is no reply, call us.", A, "If there is no reply, call us."),
    "another sentence": ("We hand over the keys at ten.", A, "We hand over the keys at ten."),
    "a third": ("I will tell team members.", A, "I will tell team members."),
    "another word": ("HAND_OVERS are HAND_OVER_ED", A, "HAND_OVERS are HAND_OVER_ED"),
    "a person": ("Un momento, por favor. HAND_OVER", H, "Un momento, por favor."),
    "a person, small": ('Un momento. "hand_over"', H, "Un momento."),
    "a person, on a line": ("Un momento.\n\n[HAND OVER]", H, "Un momento."),
    "a person, escaped": (r"Un momento. HAND\_OVER", H, "Un momento."),
    "a person, as a call": ('<tool_call>{"name": "HAND_OVER", "arguments": {}}</tool_call>', H, ""),
    "a person, as bare JSON": ('{"name": "hand_over", "arguments": {}}', H, ""),
    "a person, beside the answer": ('{"message": "Un momento.", "action": "HAND_OVER"}', H, "Un momento."),
    "a person, in the last words": ("Un momento. HAND OVER", H, "Un momento."),
    "the team": ("No lo sé, le escribirán. (TELL_TEAM)", A, "No lo sé, le escribirán."),
    "the team, escaped and bold": (r"No lo sé. **TELL\_TEAM**", A, "No lo sé."),
    "the team alone": ("TELL_TEAM", A, ""),
    # Words for whoever reads the word of control, and forms of it that hide it.
    "why it tells the team": ("TELL_TEAM: the customer wants an invoice", A, ""),
    "why, as of a function": ('No lo sé. TELL_TEAM("wants an invoice")', A, "No lo sé."),
    "why it hands over": ("HAND_OVER: the customer is angry", H, ""),
    "why, in brackets": ("[HAND_OVER: the customer is angry]", H, ""),
    "why, in a tag": ("<hand_over>the customer is angry</hand_over>", H, ""),
    "two low lines": ("NO__REPLY", S, ""),
    "encoded for a URL": ("NO%5FREPLY", S, ""),
    "letters of full width": ("ＮＯ＿ＲＥＰＬＹ", S, ""),
    "something invisible inside": ("NO_\u200bREPLY", S, ""),
    "a hyphen that does not break": ("no\u2011reply", S, ""),
    "with a number": ("1. NO_REPLY", S, ""),
    "with a label": ("Final: NO_REPLY", S, ""),
    "again and again": ("NO REPLY NO REPLY", S, ""),
    "an address with at": ("Escriba a ana@no_reply.example", A, "Escriba a ana@no_reply.example"),
    # Thoughts and calls under further names.
    "claude": (f"<antThinking>{THOUGHT}</antThinking>{OPEN}", A, OPEN),
    "a process": (f"<thought_process>{THOUGHT}</thought_process>{OPEN}", A, OPEN),
    "a chain": (f"<chain_of_thought>{THOUGHT}</chain_of_thought>{OPEN}", A, OPEN),
    "longcat": (f"<longcat_think>{THOUGHT}</longcat_think>{OPEN}", A, OPEN),
    "deepseek's own signs": (f"<|begin▁of▁thinking|>{THOUGHT}<|end▁of▁thinking|>{OPEN}", A, OPEN),
    "open webui": (
        f'<details type="reasoning" done="true">\n<summary>Thought</summary>\n{THOUGHT}\n</details>\n{OPEN}',
        A,
        OPEN,
    ),
    "a summary": (f"<details><summary>Thinking</summary>{THOUGHT}</details>{OPEN}", A, OPEN),
    "ollama": (f"Thinking...\n{THOUGHT}\n...done thinking.\n\n{OPEN}", A, OPEN),
    "a block": (f"```thinking\n{THOUGHT}\n```\n{OPEN}", A, OPEN),
    "headings": (f"## Reasoning\n{THOUGHT}\n\n## Final Answer\n{OPEN}", A, OPEN),
    "bold headings": (f"**Thinking**\n{THOUGHT}\n\n**Answer**\n{OPEN}", A, OPEN),
    "a line that is no heading": ("Thinking\nof tea?", A, "Thinking\nof tea?"),
    "a call by its tool alone": ('{"tool": "get_hours"}', CallOutcome.FAILED, ""),
    "a call inside": ('{"tool_call": {"name": "get_hours", "arguments": {}}}', CallOutcome.FAILED, ""),
    "a call's other names": ('{"function_name": "get_hours", "args": {}}', CallOutcome.FAILED, ""),
    "a call for several": (
        '{"tool_uses": [{"recipient_name": "functions.get_hours", "parameters": {}}]}',
        CallOutcome.FAILED,
        "",
    ),
    "python, several": ("[get_hours(day=\"mon\"), get_price(item='te')]", CallOutcome.FAILED, ""),
    "qwen's flowers": ('✿FUNCTION✿: get_hours\n✿ARGS✿: {"day": "mon"}', CallOutcome.FAILED, ""),
    "kimi, its marks taken out": ('functions.get_hours:0{"day":"mon"}', CallOutcome.FAILED, ""),
    "harmony, a call alone": ('to=get_hours {"day":"mon"}', CallOutcome.FAILED, ""),
    "an agent's tag": ("<read_file><path>a</path></read_file>", CallOutcome.FAILED, ""),
    "no answer where there was to be one": ('{"reply": null}', CallOutcome.FAILED, ""),
    "turns in tags": (f"{OPEN}\n<user>gracias</user>\n<assistant>De nada</assistant>", A, OPEN),
    "its own in a tag": (f"<assistant>{OPEN}</assistant>", A, OPEN),
    "names in brackets": (f"{OPEN}\n[Customer]: gracias\n[Assistant]: De nada", A, OPEN),
    # Nothing.
    "letters that show nothing": ("\u3164\u2800", CallOutcome.FAILED, ""),
    "blank": (" \n ", CallOutcome.FAILED, ""),
    "marks": ("---", CallOutcome.FAILED, ""),
    "invisible": ("\u200b\u200e\ufeff", CallOutcome.FAILED, ""),
    "points": ("...", CallOutcome.FAILED, ""),
    "an emoji": ("👍", A, "👍"),
    "a number": ("4", A, "4"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_what_a_model_wrote(name: str) -> None:
    written, outcome, sent = TEXTS[name]
    assert said(written) == (outcome, sent)


def test_the_words_of_control_are_told() -> None:
    assert reading(200, chat("No lo sé. TELL_TEAM")).reply.words == {TELL_TEAM}
    assert reading(200, chat("Un momento. HAND_OVER TELL_TEAM")).reply.words == {HAND_OVER, TELL_TEAM}
    assert reading(200, chat("NO_REPLY")).reply.words == {SILENCE}
    called = chat(
        None, tool_calls=[{"type": "function", "function": {"name": "HAND_OVER", "arguments": "{}"}}]
    )
    assert reading(200, called).outcome is H


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("Abrimos a las 10. Y luego cerra", "Abrimos a las 10. Y luego cerra…"),
        ("Abrimos de lunes a viernes. Y luego cer", "Abrimos de lunes a viernes."),
        ("¿Le sirve? Cuesta 4.90 y tar", "¿Le sirve? Cuesta 4.90 y tar…"),
        ("Sin ningún final", "Sin ningún final…"),
        ("Todo dicho. ¡Gracias!", "Todo dicho. ¡Gracias!"),
        ('{"response": "Todo dicho. ¡Gra', "Todo dicho."),
        ("No lo sé; le escribirán. TELL_TE", "No lo sé; le escribirán."),
    ],
)
def test_an_answer_that_was_cut_off_ends_with_a_sentence(written: str, sent: str) -> None:
    assert said(written, "length") == (A, sent)
    assert TELL_TEAM in reading(200, chat("No lo sé. TELL_TE", "length")).reply.words
    assert said("Sin ningún final") == (A, "Sin ningún final")


# --- what a server answered

POLICY = (
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please "
    "modify your prompt and retry."
)
TEMPLATE = "Conversation roles must alternate user/assistant/user/assistant/..."
Answered = tuple[int, object, CallOutcome, str]
SERVERS: dict[str, Answered] = {
    **{
        f"half a sentence: {reason}": (200, chat("Abrimos a l", reason), CallOutcome.REFUSED, "refused")
        for reason in ("ContentFilter", "content-filter", "FINISH_REASON_SAFETY", "blocked", "moderation")
    },
    **{
        f"half a sentence: {reason}": (200, chat("Abrimos a l", reason), CallOutcome.FAILED, "unavailable")
        for reason in ("server_error", "failed", "interrupted", "preempted", "OTHER", "upstreamError")
    },
    **{
        f"whole, although: {reason}": (200, chat(OPEN, reason), A, OPEN)
        for reason in (None, "", "eos_token", "end_turn", "unknown", "FINISH_REASON_UNSPECIFIED", 7)
    },
    "no system, in the words of a validator": (
        422,
        {"detail": [{"loc": ["body", "messages", 0, "role"], "msg": "permitted: 'user', 'assistant'"}]},
        CallOutcome.OTHER_FORM,
        "system",
    ),
    "too long, as a server error": (
        500,
        {"error": {"message": "input length 3000 exceeds maximum 2048"}},
        CallOutcome.LESS,
        "too_long",
    ),
    "another country": (
        403,
        {"error": {"message": "Country, region, or territory not supported"}},
        CallOutcome.FAILED,
        "unauthorized",
    ),
    # A success that says it is none.
    "openrouter: it ended with an error": (
        200,
        chat("Abrimos a l", "error"),
        CallOutcome.FAILED,
        "unavailable",
    ),
    "openrouter: the choice has an error": (
        200,
        {"choices": [{"error": {"code": 502, "message": "Upstream error"}, "message": {"content": "Abri"}}]},
        CallOutcome.FAILED,
        "unavailable",
    ),
    "openrouter: an error for an answer": (
        200,
        {"error": {"message": "Provider returned error", "code": 429, "metadata": {"raw": "rate-limited"}}},
        CallOutcome.FAILED,
        "rate_limited",
    ),
    "openai: filtered halfway": (200, chat("Abrimos a l", "content_filter"), CallOutcome.REFUSED, "refused"),
    "openai: refused": (200, chat(None, refusal="I can't help with that."), CallOutcome.REFUSED, "refused"),
    "deepseek: no resources": (
        200,
        chat("Abri", "insufficient_system_resource"),
        CallOutcome.FAILED,
        "unavailable",
    ),
    "gemini: safety": (200, chat(None, "SAFETY"), CallOutcome.REFUSED, "refused"),
    "zhipu: sensitive": (200, chat("", "sensitive"), CallOutcome.REFUSED, "refused"),
    "vllm, old: an error for an answer": (
        200,
        {"object": "error", "message": "model is overloaded", "type": "ServerError", "code": 503},
        CallOutcome.FAILED,
        "unavailable",
    ),
    # Thoughts beside the answer.
    "deepseek: reasoning_content": (200, chat(OPEN, reasoning_content=THOUGHT), A, OPEN),
    "deepseek: it only thought": (
        200,
        chat("", "length", reasoning_content=THOUGHT),
        CallOutcome.FAILED,
        "empty",
    ),
    "mlx: content is absent": (
        200,
        {"choices": [{"message": {"role": "assistant", "reasoning": THOUGHT}, "finish_reason": "stop"}]},
        CallOutcome.FAILED,
        "empty",
    ),
    "mistral: a thought among the parts": (
        200,
        chat(
            [
                {"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]},
                {"type": "text", "text": OPEN},
            ]
        ),
        A,
        OPEN,
    ),
    "parts without a type": (200, chat([{"text": "Abrimos "}, {"text": "a las 10."}]), A, OPEN),
    "parts that are strings": (200, chat(["Abrimos ", "a las 10."]), A, OPEN),
    "parts of another API": (200, chat([{"type": "output_text", "text": OPEN}]), A, OPEN),
    "tool calls": (
        200,
        chat(None, "tool_calls", tool_calls=[{"function": {"name": "x"}}]),
        CallOutcome.FAILED,
        "empty",
    ),
    # A text that is refused.
    "azure: filtered": (
        400,
        {
            "error": {
                "message": POLICY,
                "type": None,
                "param": "prompt",
                "code": "content_filter",
                "status": 400,
            }
        },
        CallOutcome.REFUSED,
        "refused",
    ),
    "litellm: azure's filter": (
        400,
        {"error": {"message": f"litellm.ContentPolicyViolationError: {POLICY}", "type": None, "code": "400"}},
        CallOutcome.REFUSED,
        "refused",
    ),
    "deepseek: content exists risk": (
        400,
        {
            "error": {
                "message": "Content Exists Risk",
                "type": "invalid_request_error",
                "code": "invalid_request_error",
            }
        },
        CallOutcome.REFUSED,
        "refused",
    ),
    "qwen: inspection": (
        400,
        {
            "error": {
                "code": "data_inspection_failed",
                "message": "Input data may contain inappropriate content.",
            }
        },
        CallOutcome.REFUSED,
        "refused",
    ),
    "openrouter: flagged": (
        403,
        {"error": {"code": 403, "message": "Input was flagged", "metadata": {"reasons": ["violence"]}}},
        CallOutcome.REFUSED,
        "refused",
    ),
    "bedrock: blank": (
        400,
        {"error": {"message": "messages: text content blocks must contain non-whitespace text"}},
        CallOutcome.REFUSED,
        "refused",
    ),
    "anthropic: empty": (
        400,
        {
            "error": {
                "message": "messages.0: all messages must have non-empty content",
                "type": "invalid_request_error",
            }
        },
        CallOutcome.REFUSED,
        "refused",
    ),
    # Try with less.
    "openai: too long": (
        400,
        {
            "error": {
                "message": "This model's maximum context length is 4096 tokens. However, you requested "
                "5000 tokens (4600 in the messages, 400 in the completion). Please reduce the length.",
                "code": "context_length_exceeded",
            }
        },
        CallOutcome.LESS,
        "too_long",
    ),
    "llama.cpp: too long": (
        400,
        {
            "error": {
                "code": 400,
                "message": "the request exceeds the available context size. try increasing it",
                "type": "exceed_context_size_error",
                "n_prompt_tokens": 2600,
                "n_ctx": 2048,
            }
        },
        CallOutcome.LESS,
        "too_long",
    ),
    "llama.cpp, older: too long": (
        500,
        {
            "error": {
                "code": 500,
                "message": "the request exceeds the available context size",
                "type": "server_error",
            }
        },
        CallOutcome.LESS,
        "too_long",
    ),
    "vllm: too long": (
        400,
        {
            "object": "error",
            "message": "The decoder prompt (length 3000) is longer than the maximum model length of 2048.",
        },
        CallOutcome.LESS,
        "too_long",
    ),
    "tgi: too long": (
        422,
        {
            "error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. "
            "Given: 2100 `inputs` tokens"
        },
        CallOutcome.LESS,
        "too_long",
    ),
    "lm studio: too long": (
        400,
        {"error": "The number of tokens to keep from the initial prompt is greater than the context length."},
        CallOutcome.LESS,
        "too_long",
    ),
    "nginx: 413": (413, b"<html>413 Request Entity Too Large</html>", CallOutcome.LESS, "too_long"),
    "groq: too large a request": (
        413,
        {
            "error": {
                "message": "Request too large for model: Limit 6000, Requested 7000",
                "code": "rate_limit_exceeded",
            }
        },
        CallOutcome.LESS,
        "too_long",
    ),
    "anthropic: too long": (
        400,
        {
            "error": {
                "message": "prompt is too long: 9000 tokens > 8000 maximum",
                "type": "invalid_request_error",
            }
        },
        CallOutcome.LESS,
        "too_long",
    ),
    # Try in another form.
    "openai: max_tokens": (
        400,
        {
            "error": {
                "message": "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
                "'max_completion_tokens' instead.",
                "param": "max_tokens",
                "code": "unsupported_parameter",
            }
        },
        CallOutcome.OTHER_FORM,
        "max_tokens",
    ),
    "vllm: no system": (
        400,
        {"message": "System role not supported", "code": 400},
        CallOutcome.OTHER_FORM,
        "system",
    ),
    "gemini: no system": (
        400,
        [
            {
                "error": {
                    "code": 400,
                    "message": "Developer instruction is not enabled for models/gemma-3-27b-it",
                }
            }
        ],
        CallOutcome.OTHER_FORM,
        "system",
    ),
    "llama.cpp: a template that raises": (
        500,
        {"error": {"code": 500, "message": f"Jinja Exception: {TEMPLATE}", "type": "server_error"}},
        CallOutcome.OTHER_FORM,
        "system",
    ),
    "vllm: alternate": (400, {"object": "error", "message": TEMPLATE}, CallOutcome.OTHER_FORM, "system"),
    # A provider that fails, and why.
    "openai: no quota": (
        429,
        {
            "error": {
                "message": "You exceeded your current quota, please check your plan",
                "code": "insufficient_quota",
            }
        },
        CallOutcome.FAILED,
        "no_credit",
    ),
    "deepseek: no balance": (
        402,
        {"error": {"message": "Insufficient Balance"}},
        CallOutcome.FAILED,
        "no_credit",
    ),
    "anthropic: no credit": (
        400,
        {"error": {"message": "Your credit balance is too low to access the API."}},
        CallOutcome.FAILED,
        "no_credit",
    ),
    "openrouter: no credits": (
        402,
        {"error": {"code": 402, "message": "More credits are required"}},
        CallOutcome.FAILED,
        "no_credit",
    ),
    "openai: too many": (
        429,
        {"error": {"message": "Rate limit reached for requests", "code": "rate_limit_exceeded"}},
        CallOutcome.FAILED,
        "rate_limited",
    ),
    "gemini: too many": (
        429,
        [
            {
                "error": {
                    "code": 429,
                    "message": "You exceeded your current quota, please check your plan and billing details.",
                    "status": "RESOURCE_EXHAUSTED",
                }
            }
        ],
        CallOutcome.FAILED,
        "rate_limited",
    ),
    "ollama: no model": (
        404,
        {"error": {"message": 'model "tiny" not found, try pulling it first', "type": "api_error"}},
        CallOutcome.FAILED,
        "not_found",
    ),
    "openai: no model": (
        404,
        {
            "error": {
                "message": "The model `x` does not exist or you do not have access to it.",
                "code": "model_not_found",
            }
        },
        CallOutcome.FAILED,
        "not_found",
    ),
    "no such address": (404, b"<html>404 page not found</html>", CallOutcome.FAILED, "not_found"),
    "openai: the key": (
        401,
        {"error": {"code": "invalid_api_key", "message": "Incorrect API key"}},
        CallOutcome.FAILED,
        "unauthorized",
    ),
    "llama.cpp: loading": (
        503,
        {"error": {"message": "Loading model", "code": 503}},
        CallOutcome.FAILED,
        "unavailable",
    ),
    "anthropic: overloaded": (
        529,
        {"error": {"type": "overloaded_error", "message": "Overloaded"}},
        CallOutcome.FAILED,
        "unavailable",
    ),
    "a gateway": (502, b"<html>Bad gateway</html>", CallOutcome.FAILED, "unavailable"),
    "something else": (400, {"error": {"message": "unknown field foo"}}, CallOutcome.FAILED, "rejected"),
}


@pytest.mark.parametrize("name", SERVERS)
def test_what_a_server_answered(name: str) -> None:
    status, body, outcome, of_it = SERVERS[name]
    answer = reading(status, body)
    assert answer.outcome is outcome, answer
    if outcome is CallOutcome.OTHER_FORM:
        assert answer.complaint.without == of_it
    elif outcome is A:
        assert answer.reply.text == of_it
    else:
        assert answer.complaint.kind == of_it
        assert answer.complaint.explanation


@pytest.mark.parametrize(
    ("name", "limit", "sent"),
    [
        ("openai: too long", 4096, 4600),
        ("llama.cpp: too long", 2048, 2600),
        ("vllm: too long", 2048, 0),
        ("tgi: too long", 2048, 0),
        ("groq: too large a request", 6000, 7000),
        ("anthropic: too long", 8000, 9000),
        ("lm studio: too long", 0, 0),
    ],
)
def test_how_much_a_server_takes_is_read_where_it_says_so(name: str, limit: int, sent: int) -> None:
    status, body, *_ = SERVERS[name]
    complaint = reading(status, body).complaint
    assert complaint.limit_tokens == limit
    assert complaint.sent_tokens in (sent, 2100)


def test_the_cause_that_was_given_is_told() -> None:
    here = reading(400, {"error": {"message": "User location is not supported for the API use."}})
    assert here.complaint.explanation == "it answered 400: it does not serve this country"

    def explanation(name: str) -> str:
        status, body, *_ = SERVERS[name]
        return reading(status, body).complaint.explanation

    assert explanation("openai: no quota") == (
        "it answered 429 (insufficient_quota): the account there has no credit left"
    )
    assert explanation("deepseek: no balance") == "it answered 402: the account there has no credit left"
    assert explanation("openai: no model") == "it answered 404 (model_not_found): it does not have this model"
    assert "base_url" in explanation("no such address")


# --- what it comes packed in

WHOLE = json.dumps(chat(OPEN)).encode()


def stream(*events: object, end: str = "data: [DONE]\n\n") -> bytes:
    return ("".join(f"data: {json.dumps(event)}\n\n" for event in events) + end).encode()


def piece(content: object = None, finish: str | None = None, **delta: object) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": content, **delta}, "finish_reason": finish}]}


BODIES: dict[str, tuple[bytes, dict[str, str]]] = {
    "signs of life before it": (b": PROCESSING\n\n: PROCESSING\n\n" + json.dumps(chat(OPEN)).encode(), {}),
    "gzip": (gzip.compress(WHOLE), {"content_encoding": "gzip"}),
    "gzip that is not said": (gzip.compress(WHOLE), {}),
    "gzip twice": (gzip.compress(gzip.compress(WHOLE)), {"content_encoding": "gzip, gzip"}),
    "gzip in two files": (
        gzip.compress(WHOLE[:20]) + gzip.compress(WHOLE[20:]),
        {"content_encoding": "gzip"},
    ),
    "gzip that is said and is none": (WHOLE, {"content_encoding": "gzip"}),
    "deflate": (zlib.compress(WHOLE), {"content_encoding": "deflate"}),
    "deflate without a header": (zlib.compress(WHOLE, wbits=-15), {"content_encoding": "deflate"}),
    "a mark of the byte order": (b"\xef\xbb\xbf" + WHOLE, {}),
    "UTF-16": (json.dumps(chat(OPEN), ensure_ascii=False).encode("utf-16"), {}),
    "UTF-16 without a mark": (WHOLE.decode().encode("utf-16-le"), {}),
    "UTF-32": (WHOLE.decode().encode("utf-32"), {}),
    "Latin-1, said": (
        json.dumps(chat(f"¡Sí! {OPEN}"), ensure_ascii=False).encode("latin-1"),
        {"content_type": "application/json; charset=iso-8859-1"},
    ),
    "line ends before it": (b"\n\n   \n" + WHOLE + b"\n", {}),
    "the end of a stream behind it": (WHOLE + b"\n\ndata: [DONE]\n\n", {"content_type": "text/event-stream"}),
    "a stream": (
        stream(piece("", role="assistant"), piece("Abrimos "), piece("a las 10."), piece(finish="stop")),
        {"content_type": "text/event-stream"},
    ),
    "a stream with thoughts": (
        stream(piece(None, reasoning_content=THOUGHT), piece("Abrimos a las 10."), piece(finish="stop")),
        {},
    ),
    "a stream with comments": (b": PROCESSING\n\n" + stream(piece(OPEN), piece(finish="stop")), {}),
    "a stream with names and carriage returns": (
        b"event: message\r\nid: 1\r\n" + stream(piece(OPEN), piece(finish="stop")).replace(b"\n", b"\r\n"),
        {},
    ),
    "a stream without an end": (stream(piece(OPEN), piece(finish="stop"), end=""), {}),
    "a stream without empty lines": (
        stream(piece("Abrimos "), piece("a las 10."), piece(finish="stop")).replace(b"\n\n", b"\n"),
        {},
    ),
    "a stream of one": (b"data: " + WHOLE + b"\n\ndata: [DONE]\n\n", {}),
    "a list of one": (b"[" + WHOLE + b"]", {}),
}


@pytest.mark.parametrize("name", BODIES)
def test_an_answer_is_read_whatever_it_comes_in(name: str) -> None:
    body, of_the_line = BODIES[name]
    answer = reading(200, body, **of_the_line)
    assert answer.outcome is A
    assert answer.reply.text.removeprefix("¡Sí! ") == OPEN


@pytest.mark.parametrize(
    ("body", "encoding", "kind"),
    [
        (gzip.compress(b" " * 200_000_000), "gzip", "too_large"),
        (gzip.compress(gzip.compress(b" " * 200_000_000)), "gzip", "too_large"),
        (zlib.compress(b" " * (MAX_UNPACKED_BYTES + 1)), "deflate", "too_large"),
        (gzip.compress(WHOLE)[:-12], "gzip", "dropped"),
        (b"\x1f\x8bnothing", "gzip", "malformed"),
        (WHOLE, "br", "malformed"),
        (WHOLE[:-9], "", "malformed"),
        (b"\xff\xfe\xff", "", "malformed"),
        (stream(piece("Abrimos a l"), end=""), "", "dropped"),
        (stream(piece("Abrimos"), end='data: {"choices": [{"del\n\ndata: [DONE]\n\n'), "", "malformed"),
        (b"[" * 100_000, "", "malformed"),
        (b'{"choices":' * 50_000, "", "malformed"),
        (b'"\\ud800"', "", "malformed"),
        (b"", "", "malformed"),
    ],
)
def test_what_cannot_be_read_is_a_failure_and_takes_no_room(body: bytes, encoding: str, kind: str) -> None:
    started = time.process_time()
    answer = reading(200, body, content_encoding=encoding)
    assert (answer.outcome, answer.complaint.kind) == (CallOutcome.FAILED, kind)
    assert time.process_time() - started < 3


def test_an_error_inside_a_stream_is_no_answer() -> None:
    body = stream(piece("Abrimos a l"), {"error": {"message": "Upstream error", "code": 502}})
    assert reading(200, body).complaint.kind == "unavailable"
    filtered = stream(piece("Abrimos a l"), piece(finish="content_filter"))
    assert reading(200, filtered).outcome is CallOutcome.REFUSED


# --- anything

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
KEYS = st.sampled_from(
    ["choices", "message", "content", "usage", "text", "type", "prompt_tokens", "error", "delta", "code"]
) | st.sampled_from(["finish_reason", "detail", "tool_calls", "function", "name", "refusal", "status"])
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=5)
        | st.builds(lambda value: {"choices": [{"message": value}]}, inner)
    ),
    max_leaves=12,
)


def check(answer: ModelAnswer) -> None:
    """Whatever comes, there is an outcome, and either a text or a reason."""
    if answer.outcome in (A, S, H):
        assert answer.reply.text.strip() or answer.reply.words
        assert answer.usage
        assert 0 <= answer.usage.tokens < 2**32
    else:
        explanation = answer.complaint.explanation
        assert explanation and "\n" not in explanation and len(explanation) < 300


@given(anything, st.sampled_from([200, 400, 404, 413, 422, 429, 500, 599]))
def test_any_json_is_an_answer_or_of_no_use(value: Any, status: int) -> None:
    check(reading(status, value))


@given(anything, anything, anything)
def test_any_message_and_any_usage(message: Any, usage: Any, finish: Any) -> None:
    check(reading(200, {"choices": [{"message": message, "finish_reason": finish}], "usage": usage}))


@given(st.text(alphabet="abcñ¿?.,1 \n", max_size=80), anything)
def test_a_plain_text_is_taken_whatever_stands_around_it(text: str, rest: Any) -> None:
    body = {"choices": [{"message": {"content": text, "refusal": rest}}, rest], "usage": rest, "id": rest}
    answer = reading(200, body)
    lines = "\n".join(line.rstrip() for line in text.split("\n")).split()
    if any(character.isalnum() for character in text):
        assert answer.reply.text.split() == lines


@given(st.binary(max_size=200), st.sampled_from(["", "gzip", "deflate", "br"]))
def test_any_bytes(body: bytes, encoding: str) -> None:
    check(reading(200, body, content_encoding=encoding))
    check(reading(400, body, content_encoding=encoding))


def test_there_are_enough_of_them() -> None:
    assert len(TEXTS) + len(SERVERS) + len(BODIES) >= 160
