"""What models write, and what of it the customer reads."""

from __future__ import annotations

import time

import pytest

from tests.support.model_answers import OPEN, THOUGHT, A, H, S, chat, reading, said
from wabot.brain.output.answer import CallOutcome
from wabot.brain.output.control_words import HAND_OVER, SILENCE, TELL_TEAM
from wabot.brain.output.reply_text import read_reply_text

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


def test_there_are_enough_of_them() -> None:
    assert len(TEXTS) >= 160


@pytest.mark.parametrize(
    "piece",
    [
        "[",
        "[a](",
        "**a",
        "`",
        "```\n",
        "<think>",
        "</think>",
        "# a ",
        " ",
        "\t",
        "|",
        "| a ",
        "http://",
        "https://a).",
        "~~",
        "\\",
        "<",
        "|-",
        "|- ",
        "x ",
        "-",
        "* ",
        "__",
        "((",
        "\x00" + "1",
        "\n",
        "NO_REPLY ",
        "[(<{",
        "no\\_",
        "<|channel|>",
        "<|im_start|>",
        "<tool_call>",
        "<function=a>",
        '{"name": "a", "arguments": {',
        "[1,\n",
        "assistantfinal",
        "analysis",
        "\nuser: ",
        "[Calling tool: ",
        "<s>a",
        "&#95;",
        "FILE_1 ",
        "[FILE_1: ",
        "![a](FILE_1",
        "[image] ",
    ],
)
def test_hostile_text_is_cleaned_in_linear_time(piece: str) -> None:
    many = piece * (300_000 // len(piece))
    started = time.process_time()
    read_reply_text(many)
    read_reply_text(f"x{many}y")
    # Three times what the slowest needs on a busy machine; what is quadratic needs 40 s and more.
    assert time.process_time() - started < 4
