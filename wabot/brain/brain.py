"""Composes the answer to a conversation: the model's, else the knowledge base's, else a polite sentence."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from wabot.brain.conversation import Conversation, Turn, join_texts
from wabot.brain.for_person import matter_in
from wabot.brain.knowledge.base import KNOWN, KnowledgeBase
from wabot.brain.knowledge.index import Passage
from wabot.brain.knowledge.linked_files import LinkedFile
from wabot.brain.knowledge.search.questions import clauses_of, questions_in
from wabot.brain.language import detect_language, sure_language
from wabot.brain.offered_files import OfferedFiles
from wabot.brain.output.cleaning import clean, plain_html
from wabot.brain.output.completion import Completion, Usage
from wabot.brain.output.control_words import CHECK_PAYMENT, FILE, HAND_OVER, SILENCE, TELL_TEAM, file_numbers
from wabot.brain.output.splitting import split
from wabot.brain.prompt import Persona, compose_messages, insist_on_facts, insist_on_language
from wabot.brain.providers.budget import Budget, BudgetUnknown
from wabot.brain.providers.chain import NoProviderAnswered, ProviderChain
from wabot.brain.providers.counts import CallCounts, ChatCallCounts
from wabot.brain.providers.request import Message
from wabot.brain.settings import BrainSettings
from wabot.brain.small_talk import COURTESIES, small_talk_in
from wabot.brain.texts import texts_for

if TYPE_CHECKING:
    # Loaded with the models: who has none need not wait for it.
    from wabot.brain.guard.shown import Shown
    from wabot.brain.guard.verdict import Unsupported

# A model's words that hold without what it said.
_CALLS = frozenset({HAND_OVER, CHECK_PAYMENT})
_HISTORY_TOKENS = 3000
_PASSAGES_FOR_MODEL = 4
_PASSAGES_COMPARED = 8
_NEARLY_AS_WELL = 0.9
_CLAUSES_TRIED = 5
# Below this a passage is noise, which small models take for facts all the same.
_WORTH_SHOWING = 0.25

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send: the parts in order, none of them for silence.

    Attributes:
        parts: the messages, none of them blank.
        files: what goes with them, each with what is said below it.
        source: "model:NAME" with the provider's name, "knowledge", "polite" or "silence".
        passages: those the answer could draw on, best first.
        usage: what the model counted; None when no model answered.
        calls: the model's words for a person: HAND_OVER, TELL_TEAM.
        refused: whether no model answered because all refuse this very text: there is no sense in asking them
            again.
        note: what a model says the customer's pictures show, for whoever reads the chat later.
        unseen: whether there were pictures, and whatever answered did not see one.
        held_back: what a model claimed that nothing it was shown supports; none of it stands in the parts.
    """

    parts: tuple[str, ...] = field(repr=False)
    source: str
    passages: tuple[Passage, ...] = ()
    usage: Usage | None = None
    calls: frozenset[str] = frozenset()
    refused: bool = False
    note: str = field(default="", repr=False)
    unseen: bool = False
    files: tuple[LinkedFile, ...] = ()
    held_back: tuple[Unsupported, ...] = ()


class Brain:
    """Answers conversations. It keeps nothing of them, so no chat can meet another's words.

    Safe to share by threads: several replies may be composed at once.

    Args:
        settings: what it is told once.
        budget: bounds what the models cost; None for no bound.
        counts: counts what the models do.
        calls: counts how often they are asked for each chat.
    """

    def __init__(
        self,
        settings: BrainSettings,
        budget: Budget | None = None,
        counts: CallCounts | None = None,
        calls: ChatCallCounts | None = None,
    ) -> None:
        self._settings = settings
        self._knowledge = KnowledgeBase(settings.knowledge_folder)
        self._persona = Persona(settings.persona_file)
        self._counts = counts or CallCounts()
        self._chain = ProviderChain(settings.providers, budget, self._counts, calls)

    @property
    def sees(self) -> bool:
        """Whether a model may be shown pictures: one that is not known to be blind."""
        return self._chain.may_see

    def load(self) -> None:
        """Load now what the first question would have to wait for."""
        self._chain.load()
        if self._settings.providers:
            from wabot.brain.guard.shown import Shown
            from wabot.brain.guard.verdict import unsupported

            unsupported("", Shown((), ()))

    def reply(self, conversation: Conversation, now: datetime) -> Answer:
        """Compose the answer to the unanswered messages of a conversation.

        Never raises for trouble with providers, files or hostile text; the customer reads an answer, a polite
        sentence or nothing.

        Args:
            conversation: the chat.
            now: naive UTC or aware; ages the history, and is told to the model.

        Raises:
            BudgetUnknown: whether a model may be asked cannot be found out now; nothing speaks against it.
        """
        try:
            return self._reply(conversation, now)
        except BudgetUnknown:
            raise
        except Exception:
            log.exception("the answer could not be composed; the customer gets the polite sentence")
            return Answer((texts_for(conversation.language).cannot_answer,), "polite")

    def _reply(self, conversation: Conversation, now: datetime) -> Answer:
        settings = self._settings
        recent = conversation.bounded(
            max_messages=settings.history_messages,
            max_tokens=_HISTORY_TOKENS,
            max_age=timedelta(seconds=settings.history_max_age_seconds),
            now=now,
        )
        unanswered = recent.unanswered
        if not unanswered:
            return Answer((), "silence")
        language = _language_of(recent)
        if settings.providers:
            try:
                return self._answer_of_model(recent, language, now)
            except NoProviderAnswered as error:
                # The budget says once by itself that it is spent.
                level = logging.DEBUG if error.only_spent else logging.ERROR
                log.log(level, "no model answered (%s); the knowledge base does", error)
                answer = replace(self._answer_without_model(unanswered, language), refused=error.refused)
        else:
            answer = self._answer_without_model(unanswered, language)
        return replace(answer, unseen=_has_pictures(recent))

    def _answer_of_model(self, recent: Conversation, language: str, now: datetime) -> Answer:
        """Have a model answer; it may ask for silence.

        Raises:
            NoProviderAnswered: no model did.
        """
        from wabot.brain.guard.shown import Shown, ShownText
        from wabot.brain.guard.verdict import unsupported

        passages = self._find_passages(recent, language)
        offered = self._offered_files()
        # All of them, where that is possible: no search can miss what is needed.
        whole = self._knowledge.whole(self._settings.whole_texts_tokens)
        read = [offered.for_model(passage) for passage in whole or passages]
        persona = self._persona.text()
        messages = compose_messages(persona, recent, read, language, now, offered.exist)
        deadline = time.monotonic() + self._settings.longest_reply_seconds
        completion = self._ask(messages, _surely_spoken(recent.unanswered), recent.chat, deadline)
        texts = [
            ShownText(f"{now:%d/%m/%Y}"),
            ShownText(persona),
            *(ShownText(each.text, each.title) for each in read),
        ]
        shown = Shown(texts, recent.turns)
        held_back = unsupported(completion.text, shown)
        if held_back:
            mended = self._ask_for_facts(messages, held_back, shown, recent.chat, deadline)
            self._counts.held_back(completion.provider, "mended" if mended else "withheld")
            if mended is None:
                return self._answer_withheld(completion, held_back, recent, language)
            completion = mended
        parts = self._split(completion.text)
        source = f"model:{completion.provider}" if parts or completion.words != {SILENCE} else "silence"
        seen = completion.pictures > 0
        return Answer(
            parts,
            source,
            passages,
            completion.usage,
            frozenset(word for word in completion.words if word != SILENCE and not word.startswith(FILE)),
            note=completion.note if seen else "",
            unseen=_has_pictures(recent) and not seen,
            files=offered.of_numbers(file_numbers(completion.words), completion.text),
            held_back=held_back,
        )

    def _ask(self, messages: Sequence[Message], wanted: str, chat: str, deadline: float) -> Completion:
        """Ask the models; for an answer surely in another language than is wanted, once more.

        Args:
            messages: the prompt.
            wanted: the customer's language; "" where that is not sure.
            chat: whose question it is.
            deadline: when the answer must be there, monotonic.

        Raises:
            NoProviderAnswered: no model did.
        """
        first = self._chain.complete(messages, deadline - time.monotonic(), chat)
        if not wanted or sure_language(first.text) in ("", wanted):
            return first
        log.info("provider %s answered in another language than the customer's; asked again", first.provider)
        second = self._ask_again(insist_on_language(messages, wanted), chat, deadline)
        return second if second and second.text else first

    def _ask_for_facts(
        self,
        messages: Sequence[Message],
        held_back: Sequence[Unsupported],
        shown: Shown,
        chat: str,
        deadline: float,
    ) -> Completion | None:
        """Ask once more for an answer without what nothing supports; None where that is none either."""
        from wabot.brain.guard.verdict import unsupported

        log.warning("an answer claims what nothing shown supports (%s); asked again", _kinds_of(held_back))
        second = self._ask_again(insist_on_facts(messages, held_back), chat, deadline)
        return second if second and not unsupported(second.text, shown) else None

    def _ask_again(self, messages: Sequence[Message], chat: str, deadline: float) -> Completion | None:
        """Ask the models a second time; None where none answers in time, or for what is left to be spent."""
        try:
            return self._chain.complete(messages, deadline - time.monotonic(), chat)
        except (NoProviderAnswered, BudgetUnknown):
            return None

    def _answer_withheld(
        self,
        completion: Completion,
        held_back: tuple[Unsupported, ...],
        recent: Conversation,
        language: str,
    ) -> Answer:
        """What is said instead of what nothing supports: the passage itself, or that a person will answer."""
        log.warning("the answer is withheld (%s); the texts answer, or a person", _kinds_of(held_back))
        answer = self._answer_without_model(recent.unanswered, language)
        called = completion.words & _CALLS
        if called:
            answer = Answer((), answer.source, calls=called)
        return replace(
            answer,
            usage=completion.usage,
            unseen=_has_pictures(recent),
            note=completion.note,
            held_back=held_back,
        )

    def _answer_without_model(self, unanswered: Sequence[Turn], language: str) -> Answer:
        texts = texts_for(language)
        said = join_texts(unanswered)
        # A nod among other messages adds nothing to them.
        courtesies = [courtesy for turn in unanswered if (courtesy := small_talk_in(turn.text)) != "nod"]
        if not courtesies:
            return Answer((), "silence")
        if None not in courtesies:
            return Answer((texts.courtesy(max(filter(None, courtesies), key=COURTESIES.index)),), "polite")
        matter = matter_in(said)
        if matter == "person":
            passages = self._passages_on("person", said, language)
            return self._answer_of_passages(passages, "polite", frozenset((HAND_OVER,)), texts.handed_over)
        if matter:
            # What the texts say of broken goods helps, and still a person has to see to it.
            passages = self._passages_on("broken", said, language) if matter == "complaint" else ()
        else:
            passages = self._known_passages(unanswered, language)
        if passages:
            is_for_team = bool(matter) or self._leaves_a_question(unanswered, language)
            return self._answer_of_passages(
                passages, "knowledge", frozenset((TELL_TEAM,) if is_for_team else ())
            )
        return Answer((texts.cannot_answer,), "polite")

    def _answer_of_passages(
        self, passages: tuple[Passage, ...], source: str, calls: frozenset[str], before: str = ""
    ) -> Answer:
        """Say what of the passages answers, with the files that go with it."""
        offered = self._offered_files()
        said = [before, *(offered.text_for_customer(passage) for passage in passages)]
        text = clean(plain_html("\n\n".join(filter(None, said))))
        return Answer(self._split(text), source, passages, calls=calls, files=offered.all(text))

    def _passages_on(self, subject: str, said: str, language: str) -> tuple[Passage, ...]:
        """The passage on a subject that the message names; none where the texts do not speak of it."""
        found = self._knowledge.on_subject(subject, said, language)
        return (found,) if found else ()

    def _known_passages(self, unanswered: Sequence[Turn], language: str) -> tuple[Passage, ...]:
        """The passages that surely answer the messages.

        Messages may each ask something, or several things, or tell one question in pieces. So a question
        that the best passage for all together answers nearly as well as its own best is answered by that one.
        """
        questions = [question for turn in unanswered for question in questions_in(turn.text)]
        together = self._search_known(join_texts(unanswered), language)
        chosen: dict[str, Passage] = {}
        for question in questions[-self._settings.max_parts :]:
            alone = self._search_known(question, language) if len(questions) > 1 else together
            close = [passage for passage in alone if passage.score >= _NEARLY_AS_WELL * alone[0].score]
            shared = [passage for passage in close if together and passage.text == together[0].text]
            for passage in (*shared, *close)[:1]:
                chosen[passage.text] = passage
        if not chosen and not together:
            return self._known_of_clauses(unanswered, language)
        return tuple(chosen.values()) or tuple(together[:1])

    def _leaves_a_question(self, unanswered: Sequence[Turn], language: str) -> bool:
        """Whether one of several messages asks what the texts do not know, whatever answers the others."""
        asking = [turn.text for turn in unanswered if "?" in turn.text and small_talk_in(turn.text) is None]
        return len(asking) > 1 and not all(self._search_known(text, language) for text in asking)

    def _known_of_clauses(self, unanswered: Sequence[Turn], language: str) -> tuple[Passage, ...]:
        """What one clause alone surely finds: "my dog is ill, do you have a vet?" hides its question."""
        clauses = [clause for turn in unanswered for clause in clauses_of(turn.text)]
        found = [
            passage
            for clause in clauses[:_CLAUSES_TRIED]
            for passage in self._search_known(clause, language)[:1]
        ]
        return tuple(sorted(found, key=lambda passage: -passage.score)[:1])

    def _search_known(self, question: str, language: str) -> list[Passage]:
        found = self._knowledge.search(question, language, limit=_PASSAGES_COMPARED)
        return [passage for passage in found if passage.score >= KNOWN]

    def passages_for_model(self, conversation: Conversation) -> tuple[Passage, ...]:
        """What of the texts a model is shown for a conversation."""
        whole = self._knowledge.whole(self._settings.whole_texts_tokens)
        return whole or self._find_passages(conversation, _language_of(conversation))

    def _find_passages(self, recent: Conversation, language: str) -> tuple[Passage, ...]:
        """What the model may need; for a question that leans on earlier ones, what they asked too."""
        question = join_texts(recent.unanswered)
        found = self._knowledge.search(question, language, _PASSAGES_FOR_MODEL)
        if not found or found[0].score < KNOWN:
            said = join_texts(turn for turn in recent.turns[-6:] if turn.role == "user")
            found += self._knowledge.search(said, language, _PASSAGES_FOR_MODEL)
        distinct = {passage.text: passage for passage in found if passage.score >= _WORTH_SHOWING}
        return tuple(distinct.values())[:_PASSAGES_FOR_MODEL]

    def _offered_files(self) -> OfferedFiles:
        return OfferedFiles(self._settings.knowledge_folder, self._settings.max_files)

    def _split(self, text: str) -> tuple[str, ...]:
        return split(text, self._settings.max_length, self._settings.max_parts)


def _language_of(conversation: Conversation) -> str:
    """The language of the unanswered messages; what was said before, and the account's, speak for one."""
    before = [
        turn for turn in conversation.turns if turn.role == "user" and turn not in conversation.unanswered
    ]
    spoken = detect_language(join_texts(before), default=conversation.language)
    return detect_language(join_texts(conversation.unanswered), default=spoken)


def _has_pictures(conversation: Conversation) -> bool:
    return any(turn.pictures for turn in conversation.unanswered)


def _kinds_of(claims: Sequence[Unsupported]) -> str:
    return ", ".join(sorted({claim.kind for claim in claims}))


def _surely_spoken(turns: Sequence[Turn]) -> str:
    """The customer's language where their own words, not those they quote, leave no doubt; else ""."""
    lines = join_texts(turns).splitlines()
    return sure_language("\n".join(line for line in lines if not line.startswith("> ")))
