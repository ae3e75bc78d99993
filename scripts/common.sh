# SPDX-License-Identifier: Apache-2.0
# What the shell scripts share. Sourced, not run.
# shellcheck shell=sh

say() {
    echo "$(basename "$0"): $*"
}

fail() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

# The comment at the head of a script is its help.
show_help() {
    sed -n '3,/^[^#]/{/^[^#]/d;s/^# \{0,1\}//;p;}' "$1"
}

# /usr/sbin is not on every user's path.
find_rsyslogd() {
    PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin command -v rsyslogd
}

# "rsyslogd  8.2302.0 (aka 2023.02) compiled with:" -> 8.2302.0
rsyslogd_release() {
    "$1" -v 2>/dev/null | sed -n 's/^rsyslogd[[:space:]]*\([0-9][0-9.]*[0-9]\).*/\1/p' | head -n 1
}
