# shellcheck shell=bash
# The private Python environment of this checkout, in .venv; sourced by scripts/demo and scripts/test.
#
# Changes nothing outside the checkout except that root, on Debian or Ubuntu, gets missing system packages.
# Which package index is asked is the machine's business: pip's configuration and environment decide.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/.venv
setup_log=$venv/setup.log

readonly EXIT_MISSING=69 # as EX_UNAVAILABLE in sysexits.h

unset PYTHONHOME PYTHONPATH PYTHONSTARTUP
# With it, each of many processes would compile the whole program anew.
unset PYTHONDONTWRITEBYTECODE
# A bare environment has no PATH at all, that of `su` no sbin, and dpkg wants ldconfig from there.
export PATH="${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/sbin:/sbin"

say() {
    printf '%s\n' "$*" >&2
}

# show_clock WHAT: until it is ended, or this script is: for how long WHAT has been going on, and on a terminal the
# last line of the log as well.
show_clock() {
    local began=$SECONDS every=10 line never
    [[ ! -t 2 ]] || every=1
    # Waits by reading what never has anything to read: a `sleep` would outlive this and keep stderr open.
    exec {never}<> <(:)
    while ! read -r -t "$every" -u "$never" && kill -0 $$ 2>/dev/null; do
        if [[ -t 2 ]]; then
            line=$(tail -n 1 "$setup_log" 2>/dev/null) || line=
            printf '\r\033[K%.79s' "$1 … $((SECONDS - began)) s ${line//[^[:print:]]/}" >&2
        else
            say "$1 … $((SECONDS - began)) s"
        fi
    done
}

# timed WHAT COMMAND...: run a command whose output goes to the log, and say how long it took.
timed() {
    local what=$1 began=$SECONDS status=0 clock
    shift
    mkdir -p "$(dirname "$setup_log")"
    [[ -t 2 ]] || say "$what …"
    show_clock "$what" 9<&- &
    clock=$!
    "$@" >>"$setup_log" 2>&1 </dev/null || status=$?
    kill "$clock" 2>/dev/null || true
    wait "$clock" 2>/dev/null || true
    [[ ! -t 2 ]] || printf '\r\033[K' >&2
    [[ $status -ne 0 ]] || say "$what: $((SECONDS - began)) s"
    return "$status"
}

# stop LINE...: end with what is missing and how to get it.
stop() {
    say "$(basename "$0"): $1"
    shift
    [[ $# -eq 0 ]] || printf '  %s\n' "$@" >&2
    exit "$EXIT_MISSING"
}

# look_for_python: the first that is new enough; false when there is none.
look_for_python() {
    local candidate
    for candidate in python3 python3.13 python3.12 python3.11 python3.14; do
        if python=$("$candidate" -c \
            'import sys; print(sys.executable); sys.exit(sys.version_info < (3, 11))' 2>/dev/null); then
            python_version=$("$python" -c 'import platform; print(platform.python_version())')
            return
        fi
    done
    return 1
}

find_python() {
    look_for_python && return
    # Not where an older one is the machine's own: what apt brings would be as old.
    [[ -n $(command -v python3) ]] || ! install_packages python3 python3-venv || ! look_for_python || return 0
    if [[ -z $(command -v python3) ]]; then
        stop "Python 3.11 or newer is missing: there is no python3 here. To get it:" \
            "$(with_sudo apt-get install -y python3 python3-venv libmagic1)"
    fi
    stop "Python 3.11 or newer is missing: python3 is $(python3 --version 2>&1). To get it" \
        "(Debian 12, Ubuntu 22.04 and all that came later have it):" \
        "$(with_sudo apt-get install -y python3.11 python3.11-venv)"
}

is_root() {
    [[ $(id -u) -eq 0 ]]
}

with_sudo() {
    is_root && echo "$*" || echo "sudo $*"
}

has_venv_module() {
    # Debian ships venv with Python but keeps ensurepip, which venv needs, in a package of its own.
    "$python" -c 'import ensurepip, venv' 2>/dev/null
}

has_libmagic() {
    "$python" -c 'import ctypes; ctypes.CDLL("libmagic.so.1")' 2>/dev/null
}

# install_packages PACKAGE...: with apt, as root; returns false when that is not possible here.
install_packages() {
    is_root && [[ -n $(command -v apt-get) ]] || return 1
    export DEBIAN_FRONTEND=noninteractive
    if ! timed "Installing $* with apt-get" call_apt "$@"; then
        tail -n 15 "$setup_log" >&2
        stop "apt-get could not install $*; the last lines of $setup_log are above."
    fi
}

call_apt() {
    local install=(apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=300 "$@")
    # The first try may know no packages yet (fresh machine) or only outdated ones.
    "${install[@]}" || { apt-get update -q && "${install[@]}"; }
}

# Of the libraries without which nothing runs: which packages are missing, and why they are needed.
find_missing_packages() {
    missing=() explained=()
    if ! has_venv_module; then
        missing+=("python${python_version%.*}-venv")
        explained+=("Python's venv module (ensurepip) is missing for $python.")
    fi
    if ! has_libmagic; then
        missing+=(libmagic1)
        explained+=("The system library libmagic.so.1 is missing; the WhatsApp client library needs it.")
    fi
}

require_system_packages() {
    find_missing_packages
    [[ ${#missing[@]} -gt 0 ]] || return 0
    if ! install_packages "${missing[@]}"; then
        stop "${explained[@]}" "To get what is missing on Debian or Ubuntu:" \
            "$(with_sudo apt-get install -y "${missing[@]}")"
    fi
    has_venv_module || stop "$python still has no ensurepip; it was not installed by apt." \
        "Put the Python of your distribution first in PATH: PATH=/usr/bin:\$PATH $0"
    has_libmagic || stop "libmagic.so.1 still cannot be loaded by $python."
}

# What the installed packages follow from; when it changes they are installed again.
fingerprint() {
    echo "$python_version $root"
    sha256sum <"$root/setup.cfg"
    sha256sum <"$root/pyproject.toml"
}

venv_is_sound() {
    # The mark "installing" is left by an interrupted run: no telling what is whole.
    [[ ! -e $venv/installing ]] &&
        [[ $("$venv/bin/python" -c 'import pip, platform; print(platform.python_version())' 2>/dev/null) == "$python_version" ]]
}

# install_extra EXTRA: the project itself, editable, with one of its extras, into the environment.
install_extra() {
    local began=$SECONDS
    say "Setting up .venv with Python $python_version; the first time this takes a minute or two."
    venv_is_sound || "$python" -m venv --clear "$venv" || stop "$python could not make $venv."
    touch "$venv/installing"
    # pip answers Ctrl-C by an ordinary exit and leaves what it was writing half done: keep the mark.
    trap 'exit 130' INT
    # In the environment rather than as options: pip starts another pip for what builds wabot itself.
    # What is loaded is compiled then; most of it never is.
    if ! PIP_USER=0 PIP_NO_CACHE_DIR=1 PIP_COMPILE=0 PIP_DISABLE_PIP_VERSION_CHECK=1 \
        timed "Installing wabot and the packages it needs" \
        "$venv/bin/python" -m pip install --no-input --progress-bar off --editable "${root}[$1]"; then
        rm -f "$venv/installing"
        tail -n 15 "$setup_log" >&2
        stop "pip could not install what wabot needs; the last lines of $setup_log are above." \
            "Without network access? Run $0 again when there is; nothing has to be cleaned up."
    fi
    fingerprint >"$venv/installed-$1"
    rm -f "$venv/installing"
    trap - INT
    say "Set up in $((SECONDS - began)) s."
}

# is_installed EXTRA...: whether the environment has one of these as setup.cfg is now.
is_installed() {
    local extra
    venv_is_sound || return 1
    for extra in "$@"; do
        [[ ! -f $venv/installed-$extra || $(<"$venv/installed-$extra") != "$(fingerprint)" ]] || return 0
    done
    return 1
}

# set_up EXTRA [EXTRA_THAT_INCLUDES_IT...]: afterwards "$venv/bin/python" can run wabot.
set_up() {
    [[ -w $root ]] || stop "$root cannot be written to by $(id -un); clone the project to a place of your own."
    find_python
    # One set-up at a time in a checkout; the lock on the directory itself leaves no file behind.
    exec 9<"$root"
    flock -n 9 || { say "Waiting for another set-up in this checkout …" && flock 9; }
    require_system_packages
    is_installed "$@" || install_extra "$1"
    exec 9<&-
}
