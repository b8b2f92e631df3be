"""TOML, environment and credentials become `Settings`, all problems at once.

    load            finds the file, reads and checks it; begin reading here
    settings        Settings: every section, and the paths that follow from them
    service_settings
                    account, paths, database, janitor, alerts, connection, metrics; a new setting is declared
                    here or in the next
    conversation_settings
                    ai and its providers, replies, chats
    setting_types   what a value may be, and how it is written
    toml_file       a file that a person wrote, with what is wrong in it
    credentials     the secrets that a configuration refers to
    machine         the other configurations of this machine
    business_hours, phrases, phone_numbers
                    what hours, words and chats in the settings mean

It knows nothing of the database and of the link: whatever acts on a setting stands above.
"""
