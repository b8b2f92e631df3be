"""What the business wrote about itself, and the search in it.

    base        the folder of texts, read again when a file changes; begin reading here
    documents   a file: Markdown, plain text, a table, a PDF
    sections    a Markdown text, cut at its headings
    linked_files
                what a text links to and can be sent
    index       the passages that answer a question, and how surely
    facts       a section, taken apart into what answers by itself
    understanding, weighing
                what a question means, and how much of that a fact covers
    subjects, phrases, days, terms, spelling
                when two ways of saying mean the same
    questions   a message that asks several things

It knows no model and no network.
"""
