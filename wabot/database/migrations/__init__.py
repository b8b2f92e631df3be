"""The tables' history: numbered scripts that peewee's own runner applies in order."""
