"""The body of a request with files: multipart/form-data."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

FORM_TYPE = "multipart/form-data"
_BOUNDARY = re.compile(r'boundary="?([^";,]+)"?')
_NAME = re.compile(rb'[; ]name="([^"]*)"')
_FILE_NAME = re.compile(rb'filename="([^"]*)"')
_TYPE = re.compile(rb"^content-type: *(.*?)\r?$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class FormFile:
    """A file in a form, with the name and the type that it is sent under."""

    name: str
    mimetype: str
    content: bytes = field(repr=False)


def read_form(content_type: str, body: bytes) -> dict[str, str | FormFile]:
    """What a form says, by the names of its fields.

    Args:
        content_type: as it stands in the request's header.
        body: the form.

    Raises:
        ValueError: it is none.
    """
    boundary = _BOUNDARY.search(content_type)
    if boundary is None or not content_type.startswith(FORM_TYPE):
        raise ValueError(f"{content_type!r} is no form")
    parts = (b"\r\n" + body).split(b"\r\n--" + boundary[1].encode())
    if len(parts) < 2 or not parts[-1].startswith(b"--"):
        raise ValueError("the form does not end")
    form: dict[str, str | FormFile] = {}
    for part in parts[1:-1]:
        headers, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        name, file_name, mimetype = (pattern.search(headers) for pattern in (_NAME, _FILE_NAME, _TYPE))
        if name is None:
            raise ValueError("a part of the form has no name")
        form[name[1].decode()] = (
            FormFile(file_name[1].decode(), mimetype[1].decode() if mimetype else "", content)
            if file_name
            else content.decode()
        )
    return form
