# shellcheck shell=bash disable=SC2154
# From one version to the next, and back when that does not get ready; sourced by scripts/install.

# -P: from the release, and not from the checkout that the script was called in, which the user wabot may not read.
running=() starting=() backup="" old_version="" new_version=""

upgrade() {
    local file
    if ! $dry_run; then
        old_version=$(version_of "$previous") new_version=$(version_of "$release")
        [[ -z $old_version || $(printf '%s\n' "$old_version" "$new_version" | sort -V | head -n 1) == "$old_version" ]] ||
            say "This goes back from wabot $old_version to the older $new_version."
    fi
    for file in "$CONFIGURATION"/*.toml; do
        [[ -e $file ]] || continue
        if ! run "$release/bin/wabot" check-config --config "$file"; then
            say "scripts/install: the new version does not accept $file; nothing has changed."
            exit "$EXIT_FAILED"
        fi
    done
    if ! run "$release/bin/python" -P -m wabot.backup.upgrade check "$CONFIGURATION"/*.toml; then
        say "scripts/install: what the new version changes in a database could not be taken back; nothing has changed."
        exit "$EXIT_FAILED"
    fi
    mapfile -t running < <(units_in_state active | grep -v '^wabot-janitor.*service$')
    # These are not up, and so cannot show whether the new version is any better.
    mapfile -t starting < <(units_in_state activating | grep -v '^wabot-janitor.*service$')
    undo=roll_back
    $dry_run || say "Stopping ${running[*]:-nothing}${starting[*]:+ (and ${starting[*]}, not up)} …"
    run systemctl stop "${running[@]}" "${starting[@]}" 'wabot-janitor*.service'
    backup=$STATE/backups/$(basename "$release")
    run "$release/bin/python" -P -m wabot.backup.upgrade save "$backup" "$CONFIGURATION"/*.toml
    switch_to "$release"
    start_again || exit "$EXIT_FAILED"
}

version_of() {
    "$1/bin/python" -P -c 'import wabot; print(wabot.__version__)' 2>/dev/null || true
}

# The units of wabot that are in one of these states, the bots and the janitor's timers and services.
units_in_state() {
    systemctl list-units --plain --no-legend --state="$1" 'wabot.service' 'wabot@*.service' 'wabot-janitor*' |
        cut -d ' ' -f 1
}

# systemctl start returns when the bots are ready, or fails.
start_again() {
    [[ ${#starting[@]} -eq 0 ]] || run systemctl start --no-block "${starting[@]}"
    [[ ${#running[@]} -gt 0 ]] || return 0
    $dry_run || say "Starting ${running[*]} …"
    try systemctl reset-failed "${running[@]}"
    run systemctl start "${running[@]}"
}

roll_back() {
    local unit journal="sudo journalctl"
    local back="scripts/install: the new version does not get ready; going back to the version before."
    ! $interrupted || back="Going back to the version before …"
    say "$back"
    for unit in "${running[@]}"; do
        # Waiting for its next start it has not failed yet.
        systemctl is-active --quiet "$unit" || journal+=" -u $unit"
    done
    [[ $journal == *" -u "* ]] || journal+=" -u wabot"
    journal+=" -n 50 --no-pager"
    try systemctl stop "${running[@]}" "${starting[@]}"
    ! as_user test -d "$backup" || "$release/bin/python" -P -m wabot.backup.upgrade restore "$backup" "$CONFIGURATION"/*.toml || true
    switch_to "$previous"
    if start_again; then
        $interrupted || say "Nothing has changed. Why it failed: $journal"
    else
        say "The old version is back, but does not start either; see: $journal"
    fi
    rm -rf "$release"
}

# Keep this version and the one before, and the last three copies of the databases from before an upgrade.
remove_old() {
    local old
    while read -r old; do
        [[ $old == "$release" || $old == "$previous" ]] || run rm -rf "$old"
    done < <(find "$RELEASES" -mindepth 1 -maxdepth 1 -type d 2>/dev/null)
    # Only what is named as this script names it, and by the user whose they are.
    while IFS= read -r -d '' old; do
        run as_user rm -rf -- "$STATE/backups/$old"
    done < <(as_user find "$STATE/backups" -mindepth 1 -maxdepth 1 -type d -regextype posix-extended \
        -regex '.*/[0-9]{8}T[0-9]{6}Z' -printf '%f\0' 2>/dev/null | sort -rz | tail -zn +4)
}
