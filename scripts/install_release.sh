# shellcheck shell=bash disable=SC2154
# One version of wabot on this machine: how it is made, and made the one that runs; sourced by scripts/install.

# as_user COMMAND...: as the user of the service, away from this terminal. In the state directory every name is
# theirs: root would follow wherever it leads.
as_user() {
    setsid --wait setpriv --reuid="$SERVICE_USER" --regid="$(id -g "$SERVICE_USER")" --init-groups --no-new-privs -- "$@" </dev/null
}

make_user() {
    getent passwd wabot >/dev/null ||
        run useradd --system --user-group --home-dir "$STATE" --no-create-home --shell /usr/sbin/nologin wabot
    run install -d -m 0700 -o wabot -g wabot "$STATE"
}

# Everything of one version: its Python environment and its units.
make_release() {
    $dry_run || say "Installing wabot with Python $python_version; this takes a minute or more …"
    undo="rm -rf $release"
    run "$python" -m venv --without-pip "$release"
    # A copy, because building leaves files that belong to root beside the sources.
    cp -r "$root"/{wabot,setup.cfg,pyproject.toml,README.md,LICENSE} "$work"
    # What installs is no part of a release, and to install pip itself would take as long as all the rest. Packages
    # are built with the setuptools that is pinned.
    run "$python" -m zipfile --extract /usr/share/python-wheels/pip-*.whl "$pip_directory"
    run sed -n "/^setuptools==/,\$w $work/setuptools.txt" "$root/scripts/requirements.txt"
    pip_install --target "$pip_directory" --require-hashes --requirement "$work/setuptools.txt"
    pip_install --no-build-isolation --use-pep517 --require-hashes --requirement "$root/scripts/requirements.txt"
    pip_install --no-build-isolation --no-index --no-deps "$work"
    # Two thirds of the time would go into telephone numbers of the world, which are never loaded.
    [[ ${PIP_COMPILE:-1} == 0 ]] || run "$release/bin/python" -m compileall -q -x '/phonenumbers/' "$release/lib" || true
    run install -d "$release/share/wabot"
    run cp -r "$root/systemd" "$release/share/wabot"
    if ! run "$release/bin/wabot" version; then
        say "scripts/install: this version cannot be started, as is said above; nothing has changed."
        exit "$EXIT_FAILED"
    fi
    run "$release/bin/python" -P -m wabot.handbook.manual "$release/share"
}

pip_install() {
    local command=(env PYTHONPATH="$pip_directory" "$release/bin/python" -m pip install --no-input --no-cache-dir
        --no-compile --disable-pip-version-check --progress-bar off "$@")
    if $dry_run; then
        run "${command[@]}"
    elif ! timed "Installing what wabot needs" "${command[@]}"; then
        tail -n 15 "$setup_log" >&2
        say "scripts/install: pip could not install what wabot needs; the last lines are above."
        exit "$EXIT_FAILED"
    fi
}

install_configuration() {
    run install -d -m 0750 -o root -g wabot "$CONFIGURATION"
    run install -d -m 0700 "$CREDENTIALS"
    [[ -e $CONFIGURATION/wabot.toml ]] ||
        run install -m 0640 -o root -g wabot "$root/systemd/wabot.toml" "$CONFIGURATION/wabot.toml"
    if [[ ! -e $CONFIGURATION/knowledge ]]; then
        run install -d -m 0750 -o root -g wabot "$CONFIGURATION/knowledge"
        run install -m 0640 -o root -g wabot "$root"/wabot/sample_knowledge/*.md "$CONFIGURATION/knowledge"
    fi
}

# switch_to RELEASE: make it the one that runs at the next start.
switch_to() {
    local unit
    run ln -sfn "$1" "$CURRENT.new"
    run mv -T "$CURRENT.new" "$CURRENT"
    for unit in "$root"/systemd/*.service "$root"/systemd/*.timer; do
        unit=$(basename "$unit")
        [[ ! -e $1/share/wabot/systemd/$unit && -e $1 ]] ||
            run install -m 0644 "$1/share/wabot/systemd/$unit" "$UNITS/$unit"
    done
    run systemctl daemon-reload
    [[ -e $COMMAND && ! -L $COMMAND ]] || run ln -sfn "$CURRENT/bin/wabot" "$COMMAND"
    link_documents "$1"
}

# link_documents RELEASE: to what it has of them; what is no link is somebody's own.
link_documents() {
    local document shared
    for document in "${DOCUMENTS[@]}"; do
        shared=$SHARED/$document
        if [[ -e $shared && ! -L $shared ]]; then
            continue
        elif [[ -e $1/share/$document || ! -e $1 ]]; then
            run mkdir -p "$(dirname "$shared")"
            run ln -sfn "$CURRENT/share/$document" "$shared"
        else
            run rm -f "$shared"
        fi
    done
}
