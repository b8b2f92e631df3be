"""The products a shop sells, as a spreadsheet or a table of the application's holds them.

    product     one product, and the card that a customer reads; begin reading here
    spreadsheet reads a CSV as spreadsheets write it
    table       reads a table of an application's PostgreSQL
    columns     what both call their columns, and what a row comes to
    prices      amounts and numbers in stock as people type them into a cell
    search      finds products by name, category, wish and misspelling
    choice      what of a numbered list somebody chose

It knows nothing of chats, and of models nothing at all.
"""
