"""How much of a day's budget the models took. A frozen copy of the model, which may move on."""

from __future__ import annotations

from typing import Any

from peewee import AutoField, BigIntegerField, CharField, IntegerField, Model, TextField


def up(migrator: Any, db: Any) -> None:
    """Create the table."""

    class ModelUsage(Model):
        id = AutoField()
        user_id = TextField()
        day = CharField()
        provider = TextField()
        calls = IntegerField(default=0)
        tokens = BigIntegerField(default=0)
        refused_tokens = IntegerField(null=True)

        class Meta:
            legacy_table_names = False
            table_name = "wabot_model_usage"
            indexes = ((("user_id", "day", "provider"), True),)

    with db.bind_ctx([ModelUsage]):
        db.create_tables([ModelUsage], safe=False)
