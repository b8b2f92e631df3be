"""What tests share: arrivals, schemas, servers, places."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SAMPLE_KNOWLEDGE = REPOSITORY / "wabot" / "sample_knowledge"
