# shellcheck shell=bash disable=SC2154
# Removes wabot from this machine, with --purge also what is the owner's; sourced by scripts/install.

uninstall() {
    local unit name secret document removed=Removed elsewhere=false had_data=false
    [[ -L $CURRENT ]] || removed="wabot was not installed"
    ! $dry_run || removed="Nothing was removed; without --dry-run it would be"
    local known=() enabled=() names=(wabot)
    # The janitor's timer is the installer's own affair.
    mapfile -t enabled < <(find "$UNITS" -path '*.wants/wabot*' ! -name 'wabot-janitor.timer' -printf '%f\n' | sort -u)
    mapfile -t known < <(systemctl list-units --all --plain --no-legend 'wabot.service' 'wabot@*.service' \
        'wabot-janitor*' 'wabot-backup@*' 'wabot-alert*' | cut -d ' ' -f 1)
    [[ ${#known[@]} -eq 0 ]] || try systemctl disable --quiet --now "${known[@]}"
    for unit in "$root"/systemd/*.service "$root"/systemd/*.timer; do
        unit=$(basename "$unit")
        try systemctl disable --quiet "$unit"
        run rm -f "$UNITS/$unit"
        ! $purge || run rm -rf "$UNITS/$unit.d"
    done
    run systemctl daemon-reload
    try systemctl reset-failed 'wabot*'
    [[ ! -L $COMMAND ]] || run rm -f "$COMMAND"
    for document in "${DOCUMENTS[@]}"; do
        [[ ! -L $SHARED/$document ]] || run rm -f "$SHARED/$document"
    done
    run rm -rf "$RELEASES"
    remove_of_user /run/wabot-metrics
    [[ ! -L $CURRENT ]] || run rm -f "$CURRENT"
    if ! $purge; then
        if [[ ! -d $CONFIGURATION && ! -d $STATE ]]; then
            say "$removed."
            return
        fi
        say "$removed. Kept: $CONFIGURATION, $STATE and the user wabot;" \
            "--uninstall --purge removes them, too."
        [[ ${#enabled[@]} -eq 0 ]] ||
            say "After a new installation, to have all of it again: sudo systemctl enable --now ${enabled[*]}"
        return
    fi
    for name in "$CONFIGURATION"/*.toml; do
        names+=("$(basename "$name" .toml)")
    done
    for name in "${names[@]}"; do
        for secret in "${SECRETS[@]}"; do
            run rm -f "$CREDENTIALS/$name.$secret"
        done
    done
    [[ ! -d $CONFIGURATION && ! -d $STATE ]] || had_data=true
    ask_about_backups
    ! grep -qsE '^ *url *= *"(postgres|credential:|env:|file:)' "$CONFIGURATION"/*.toml || elsewhere=true
    run rm -rf "$CONFIGURATION" "$UNITS"/wabot@*.service.d
    remove_of_user "$STATE"
    if $keep_backups; then
        say "$removed, with configuration, secrets and state. Kept: $STATE/backups, and the user wabot, whose they" \
            "are; scripts/install --uninstall --purge --yes removes them, too."
        had_data=false
    else
        ! user_is_there || run userdel wabot
        say "$removed."
    fi
    ! $had_data || $dry_run || say "Deleted: $CONFIGURATION, $STATE with the backups in it, the secrets and the user wabot." \
        "On the phone, remove the linked device as well: WhatsApp, Linked devices."
    ! $elsewhere || $dry_run || say "Not deleted: wabot's own tables (wabot_…) in a PostgreSQL; their owner drops them."
}

keep_backups=false

# Backups are what somebody wants who has purged in error: they go only for a yes.
ask_about_backups() {
    local answer=""
    ! $yes && user_is_there &&
        [[ -n $(as_user find "$STATE/backups" -mindepth 1 -maxdepth 2 -name '*Z' -printf . -quit 2>/dev/null) ]] || return 0
    keep_backups=true
    $dry_run || [[ ! -t 0 ]] || read -r -p "Remove the backups in $STATE/backups, too? [y/N] " answer
    case ${answer,,} in
    y | yes | s | si | sí | sim) keep_backups=false ;;
    esac
}

user_is_there() {
    getent passwd "$SERVICE_USER" >/dev/null
}

# remove_of_user DIRECTORY: what is in it by the user of the service, whose names root follows nowhere; then what
# root itself once left there. rm goes through no link, and to no other file system.
remove_of_user() {
    local spared=()
    [[ -d $1 && ! -L $1 ]] || return 0
    if [[ $1 == "$STATE" ]] && $keep_backups; then
        spared=(! -path "$1/backups" ! -path "$1/backups/*")
    fi
    if user_is_there; then
        try as_user find "$1" -xdev -depth -mindepth 1 "${spared[@]}" -delete
    fi
    [[ ${#spared[@]} -gt 0 ]] || run rm -rf --one-file-system -- "$1"
}
