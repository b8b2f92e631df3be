"""Makes a backup of an installation, and puts one back.

    make          one directory with all that a bot cannot make anew; begin reading here
    manifest      what a backup holds, with checksums
    handover      for root: from the owner of the state to the owner of the directory of backups
    restore       what is to be done to put one back, step by step
    texts         configuration, persona and knowledge on their way back, and who may put them there
    private_copy  for root: a copy of a backup that nobody changes once it has been looked at
    sqlite        copies a database file
    postgresql    dumps and replaces wabot's own tables on a server
    upgrade       the copy that the installer makes before an upgrade, by `python -m`

It knows the files of a bot and none of its threads: a bot may be running, and is never asked.
"""
