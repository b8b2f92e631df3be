"""The other programs of a trial: model servers, PostgreSQL, echo bots."""
