"""Settings of the link to WhatsApp."""

from __future__ import annotations

from dataclasses import dataclass

from wabot.config.setting_types import choice, duration, integer, setting, text


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """How patient the link is."""

    connect_timeout: float = setting(
        duration(1, 600), 60.0, "from any dial to connected; past it a fresh dial, past a second one exit 75"
    )
    pairing_timeout: float = setting(duration(5, 160), 160.0, "how long the QR waits to be scanned")
    reconnect_timeout: float = setting(
        duration(5, 3600), 360.0, "how long WhatsApp's own redialling is waited for before a fresh dial"
    )
    send_timeout: float = setting(
        duration(1, 600),
        90.0,
        "how long one send may take; past it the link is dialled afresh, which frees the send",
    )
    refusal_pause: float = setting(
        duration(0.1, 7200),
        300.0,
        "pause after a refused login; the second is 3 times, the third and last 12 times as long",
    )
    max_unstable_cycles: int = setting(
        integer(0, 100_000),
        3,
        "connections in a row that fall within a minute before the link rests; 0 = never",
    )
    on_unstable: str = setting(
        choice("cooldown", "stop"), "cooldown", "rest and try again, or end with exit 77"
    )
    cooldown: float = setting(
        duration(1, 7200),
        900.0,
        "the first rest, up to half of it less by chance; it doubles up to two hours",
    )
    keepalive_interval: float = setting(
        duration(1, 600), 30.0, "how often the client library is asked for a sign of life"
    )
    presence: str = setting(
        choice("unavailable", "available"), "unavailable", '"available" mutes the owner\'s phone'
    )
    proxy: str = setting(
        text(pattern=r"((https?|socks5)://\S+)?", allowed="an http, https or socks5 address"),
        "",
        "proxy for the link to WhatsApp",
        secret=True,
    )
