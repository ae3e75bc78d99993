# SPDX-License-Identifier: Apache-2.0
# IMD_RSYSLOG: finds rsyslog's source tree (for its headers), makes sure that it is of the installed daemon's release
# and was configured like it, and decides where the module is installed.
#
# Why a wrong pair is refused: rsyslog's interfaces are structs that both sides compile. They change between releases
# without always changing their version number, and a module of another release then silently overwrites memory.
#
# Sets RSYSLOG_SRC, RSYSLOG_VERSION, RSYSLOG_CPPFLAGS, RSYSLOGD, rsyslogmoddir.

AC_DEFUN([IMD_RSYSLOG_DAEMON], [
    AC_ARG_WITH([rsyslogd],
        [AS_HELP_STRING([--with-rsyslogd=PATH], [the daemon that will load the module (default: the installed one)])],
        [], [with_rsyslogd=search])
    AC_ARG_WITH([rsyslogd-check],
        [AS_HELP_STRING([--without-rsyslogd-check], [do not compare the source tree with a daemon (building for another system)])],
        [], [with_rsyslogd_check=yes])
    RSYSLOGD=
    imd_daemon_version=
    AS_IF([test "$with_rsyslogd_check" != no], [
        AS_IF([test "$with_rsyslogd" = search],
            [AC_PATH_PROG([RSYSLOGD], [rsyslogd], [], [$PATH:/usr/local/sbin:/usr/sbin:/sbin])],
            [RSYSLOGD=$with_rsyslogd])
        AS_IF([test -z "$RSYSLOGD"], [AC_MSG_ERROR([no rsyslogd is installed (Debian package rsyslog).
The module must be built for the release of the daemon that loads it: name that daemon with --with-rsyslogd=PATH, or
say --without-rsyslogd-check if the source tree given is certainly that of the system you build for])])
        AC_MSG_CHECKING([the release of $RSYSLOGD])
        "$RSYSLOGD" -v >conftest.rsyslogd 2>/dev/null
        imd_daemon_version=`sed -n 's/^rsyslogd@<:@@<:@:space:@:>@@:>@*\(@<:@0-9@:>@@<:@0-9.@:>@*@<:@0-9@:>@\).*/\1/p' conftest.rsyslogd | head -n 1`
        imd_daemon_debug=`sed -n 's/.*FEATURE_DEBUG.*:@<:@@<:@:space:@:>@@:>@*//p' conftest.rsyslogd`
        imd_daemon_uuid=`sed -n 's/.*uuid support:@<:@@<:@:space:@:>@@:>@*//p' conftest.rsyslogd`
        rm -f conftest.rsyslogd
        AC_MSG_RESULT([${imd_daemon_version:-unknown}])
        AS_IF([test -z "$imd_daemon_version"], [AC_MSG_ERROR(['$RSYSLOGD -v' does not tell a release])])
    ])
])

AC_DEFUN([IMD_RSYSLOG_SOURCE], [
    AC_ARG_WITH([rsyslog-src],
        [AS_HELP_STRING([--with-rsyslog-src=DIR], [configured source tree of rsyslog (default: $RSYSLOG_SRC, or where scripts/fetch-rsyslog-source put it)])],
        [AS_CASE([$with_rsyslog_src], [yes | no], [AC_MSG_ERROR([--with-rsyslog-src needs a directory])])],
        [with_rsyslog_src=$RSYSLOG_SRC])
    AC_MSG_CHECKING([for rsyslog's source tree])
    AS_IF([test -z "$with_rsyslog_src" && test -n "$imd_daemon_version"], [
        imd_tree=$srcdir/build-deps/rsyslog-$imd_daemon_version
        AS_IF([test -f "$imd_tree/config.h"], [with_rsyslog_src=$imd_tree])
    ])
    AS_IF([test -z "$with_rsyslog_src"], [
        AC_MSG_RESULT([not found])
        AC_MSG_ERROR([rsyslog's source tree is needed for its headers, which no package has.
Run scripts/fetch-rsyslog-source (scripts/bootstrap does), or give --with-rsyslog-src=DIR])
    ])
    RSYSLOG_SRC=`cd "$with_rsyslog_src" 2>/dev/null && pwd`
    AC_MSG_RESULT([${RSYSLOG_SRC:-$with_rsyslog_src}])
    AS_IF([test ! -f "$RSYSLOG_SRC/runtime/module-template.h"],
        [AC_MSG_ERROR([$with_rsyslog_src is not a source tree of rsyslog (it has no runtime/module-template.h)])])
    AS_IF([test ! -f "$RSYSLOG_SRC/config.h"],
        [AC_MSG_ERROR([$with_rsyslog_src has no config.h: run its ./configure there])])
    RSYSLOG_VERSION=`sed -n 's/^#define VERSION "\(.*\)"/\1/p' "$RSYSLOG_SRC/config.h"`
])

AC_DEFUN([IMD_RSYSLOG_PAIR], [
    AC_MSG_CHECKING([whether source tree and daemon belong together])
    AS_IF([test "$with_rsyslogd_check" = no], [AC_MSG_RESULT([not checked])], [
        AS_IF([test "$RSYSLOG_VERSION" != "$imd_daemon_version"], [
            AC_MSG_RESULT([no])
            AC_MSG_ERROR([the source tree is rsyslog $RSYSLOG_VERSION, but $RSYSLOGD is $imd_daemon_version.
A module built with the headers of another release silently corrupts the daemon's memory. Fetch the right source with
scripts/fetch-rsyslog-source, or name the daemon you build for: --with-rsyslogd=PATH, or --without-rsyslogd-check])
        ])
        # Both switches change the layout of structs that module and daemon share.
        imd_source_debug=Yes
        grep '^#define NDEBUG' "$RSYSLOG_SRC/config.h" >/dev/null && imd_source_debug=No
        imd_source_uuid=No
        grep '^#define USE_LIBUUID' "$RSYSLOG_SRC/config.h" >/dev/null && imd_source_uuid=Yes
        AS_IF([test "${imd_daemon_debug:-$imd_source_debug}" != "$imd_source_debug"], [
            AC_MSG_RESULT([no])
            AC_MSG_ERROR([debug build: daemon '$imd_daemon_debug', source tree '$imd_source_debug'. Run $RSYSLOG_SRC/configure with or without --enable-debug as the daemon was])
        ])
        AS_IF([test "${imd_daemon_uuid:-$imd_source_uuid}" != "$imd_source_uuid"], [
            AC_MSG_RESULT([no])
            AC_MSG_ERROR([uuid support: daemon '$imd_daemon_uuid', source tree '$imd_source_uuid'. Run $RSYSLOG_SRC/configure with or without --enable-uuid as the daemon was (Debian package uuid-dev)])
        ])
        AC_MSG_RESULT([yes, both $RSYSLOG_VERSION])
    ])
])

AC_DEFUN([IMD_RSYSLOG_MODDIR], [
    AC_ARG_WITH([moddir],
        [AS_HELP_STRING([--with-moddir=DIR], [where to install the module (default: where the installed daemon looks; with --prefix LIBDIR/rsyslog)])],
        [rsyslogmoddir=$withval], [
            # A daemon looks in one place only. Whoever gives a prefix wants that to be obeyed.
            rsyslogmoddir='${libdir}/rsyslog'
            AS_IF([test "$prefix" = NONE && test "$with_rsyslogd_check" != no], [
                for imd_directory in /usr/lib/`$CC -print-multiarch 2>/dev/null`/rsyslog /usr/lib64/rsyslog /usr/lib/rsyslog; do
                    AS_IF([test -f "$imd_directory/lmnet.so"], [rsyslogmoddir=$imd_directory; break])
                done
            ])
        ])
    AC_SUBST([rsyslogmoddir])
])

AC_DEFUN([IMD_RSYSLOG], [
    IMD_RSYSLOG_DAEMON
    IMD_RSYSLOG_SOURCE
    IMD_RSYSLOG_PAIR
    IMD_RSYSLOG_MODDIR
    # As system headers, so that our warnings stay ours. "config.h" must be found here first.
    RSYSLOG_CPPFLAGS="-isystem $RSYSLOG_SRC -isystem $RSYSLOG_SRC/runtime -isystem $RSYSLOG_SRC/grammar"
    AC_ARG_VAR([RSYSLOG_SRC], [configured source tree of rsyslog, as --with-rsyslog-src])
    AC_SUBST([RSYSLOG_VERSION])
    AC_SUBST([RSYSLOG_CPPFLAGS])
    AC_SUBST([RSYSLOGD])
])
