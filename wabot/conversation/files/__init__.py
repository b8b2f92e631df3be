"""The files of messages and replies, as rows: which came, which are waited for, what was understood of them.

Begin reading in:
    received_files  the queue of those that came, and what becomes of each
    incoming_files  keeps a file's row with its message, or says why it is not fetched
    albums          the pictures of one album, which are one message to people
    file_words      what a transcript, a description or a name reads like
    files_to_upload those that go out

It knows nothing of what lies on the disk or of media hosts: that is `media`, and `outbound/upload`.
"""
