# shellcheck shell=bash disable=SC2154
# Removes wabot from this machine, with --purge also what is the owner's; sourced by scripts/install.

uninstall() {
    local unit name secret removed=Removed elsewhere=false had_data=false
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
    run rm -rf "$RELEASES" /run/wabot-metrics
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
    ! grep -qsE '^ *url *= *"(postgres|credential:|env:|file:)' "$CONFIGURATION"/*.toml || elsewhere=true
    run rm -rf "$CONFIGURATION" "$STATE" "$UNITS"/wabot@*.service.d
    ! getent passwd wabot >/dev/null || run userdel wabot
    say "$removed."
    ! $had_data || $dry_run || say "Deleted: $CONFIGURATION, $STATE with the backups in it, the secrets and the user wabot." \
        "On the phone, remove the linked device as well: WhatsApp, Linked devices."
    ! $elsewhere || $dry_run || say "Not deleted: wabot's own tables (wabot_…) in a PostgreSQL; their owner drops them."
}
