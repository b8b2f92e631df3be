"""Builds the threads that read received files, and who reads which kind; loaded only where somebody does."""

from __future__ import annotations

from collections.abc import Iterable

from wabot.brain.providers.budget import Budget
from wabot.brain.providers.counts import CallCounts
from wabot.brain.transcription.chain import TranscriptionChain
from wabot.config.settings import Settings
from wabot.conversation.files.received_files import ReceivedFiles
from wabot.conversation.schedule import ChatSchedule
from wabot.media.directory import MediaDirectory
from wabot.media.document import DocumentReader
from wabot.media.fetch import Fetcher
from wabot.media.picture import PictureReader
from wabot.media.voice import VoiceReader
from wabot.media.worker import FileSource, Hearing, MediaWorker, Reader
from wabot.system.threads import Pulse
from wabot.whatsapp.messages import MessageKind


def readers_of(settings: Settings, budget: Budget, counts: CallCounts) -> dict[str, Reader]:
    """Who reads which kind of file.

    Args:
        settings: the configuration.
        budget: asked before whatever costs.
        counts: of the transcribers.
    """
    readers: dict[str, Reader] = {}
    transcribers = settings.ai.transcribers
    if settings.ai.hears:
        chain = TranscriptionChain(transcribers, budget, counts)
        readers[MessageKind.AUDIO] = VoiceReader(
            chain, transcribers, settings.media, settings.account.language
        )
    if settings.ai.sees:
        readers[MessageKind.IMAGE] = PictureReader(settings.media)
    if settings.ai.reads:
        readers[MessageKind.DOCUMENT] = DocumentReader(settings.media)
    return readers


def make_media_workers(
    settings: Settings,
    files: ReceivedFiles,
    hearing: Hearing,
    schedule: ChatSchedule,
    readers: dict[str, Reader],
    pulses: Iterable[Pulse],
    source: FileSource | None = None,
) -> list[MediaWorker]:
    """Make workers that share everything but their thread, and sweep what the last process left behind.

    Args:
        settings: the configuration.
        files: the rows; the database is open.
        hearing: told what was said.
        schedule: told which chat need not wait any longer.
        readers: by the kind of message.
        pulses: one for each worker.
        source: where files are had from; None: from the media hosts.
    """
    directory = MediaDirectory(settings.media_directory)
    directory.sweep(files.open_numbers())
    shared = (files, directory, readers, hearing, schedule)
    return [
        MediaWorker(
            f"media-{number}", *shared, pulse, source or Fetcher(directory, settings.connection.proxy)
        )
        for number, pulse in enumerate(pulses, start=1)
    ]
