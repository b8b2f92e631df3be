"""An event of the library's becomes an `IncomingMessage`.

    translation   who wrote where and when, and what; begin reading here
    content       what a message carries: its kind and its words
    attachments   the same of its file
    places        places and contacts in words
    text_fields   texts of the library's, made fit to be kept

It works on the protobuf objects by their fields alone, and imports nothing of the library.
"""
