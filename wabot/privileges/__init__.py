"""Root becomes the owner of the state before it touches anything there.

    become_owner      whom a directory belongs to, and how root becomes that user; begin reading here
    root_helper       the process that stays root, and does a fixed list of tasks
    root_queries      questions that only root can answer in full
    remembered_files  what root has read of configurations and credentials, for afterwards

It knows no configuration and no session: what is to be done as root, its callers say.
"""
