"""What the business wrote about itself, and the search in it.

    base        the folder of texts, read again when a file changes; begin reading here
    documents   a file: Markdown, plain text, a table, a PDF
    sections    a Markdown text, cut at its headings
    linked_files
                what a text links to and can be sent
    index       the passages that answer a question, and how surely
    facts       a section, taken apart into what answers by itself
    search      what a question means, and how much of that a fact covers

It knows no model and no network.
"""
