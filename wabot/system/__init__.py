"""The operating system: files, HTTP, logs, systemd, terminals. Knows nothing of WhatsApp or chats."""
