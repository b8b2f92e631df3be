"""What is heard where nobody speaks is told apart from what customers say."""

from __future__ import annotations

import pytest

from wabot.brain.transcription.silence import is_of_silence


@pytest.mark.parametrize(
    "text",
    [
        *("You", "Thank you for watching!", "Thanks for watching.", "¡Gracias por ver el vídeo!"),
        *("Subtítulos realizados por la comunidad de Amara.org", "Subtitles by the Amara.org community"),
        *(
            "Legendas pela comunidade Amara.org",
            "¡Suscríbete!",
            "Obrigado por assistir.",
            "Subtitulado por TIC",
        ),
        "Don't forget to subscribe.",
    ],
)
def test_the_last_words_of_videos_are_silence(text: str) -> None:
    assert is_of_silence(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "Gracias", "Sí", "Thank you", "Muchas gracias por ver mi pedido", "¿Y tú? You know"),
        *("Quiero suscribirme al boletín", "Obrigado", "Baja", "Por la comunidad de vecinos"),
        "¿El video lleva subtítulos por defecto o hay que pedirlos aparte?",
        "Gracias por ver el video. " * 8,
    ],
)
def test_what_customers_say_is_not(text: str) -> None:
    assert not is_of_silence(text)
