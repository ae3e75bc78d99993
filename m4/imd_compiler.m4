# SPDX-License-Identifier: Apache-2.0
# IMD_COMPILER_FLAGS: the C dialect, warnings, --enable-werror and --enable-sanitizers, in IMD_CFLAGS and IMD_LDFLAGS.

AC_DEFUN([IMD_TRY_CFLAG], [
    AS_VAR_PUSHDEF([cache], [imd_cv_cflag_$1])
    AC_CACHE_CHECK([whether $CC takes $1], [cache], [
        imd_saved_CFLAGS=$CFLAGS
        CFLAGS="$CFLAGS -Werror $1"
        AC_COMPILE_IFELSE([AC_LANG_PROGRAM], [AS_VAR_SET([cache], [yes])], [AS_VAR_SET([cache], [no])])
        CFLAGS=$imd_saved_CFLAGS
    ])
    AS_VAR_IF([cache], [yes], [IMD_CFLAGS="$IMD_CFLAGS $1"])
    AS_VAR_POPDEF([cache])
])

AC_DEFUN([IMD_COMPILER_FLAGS], [
    AC_ARG_ENABLE([werror],
        [AS_HELP_STRING([--enable-werror], [treat warnings as errors (what ./check does)])],
        [], [enable_werror=no])
    AC_ARG_ENABLE([sanitizers],
        [AS_HELP_STRING([--enable-sanitizers=LIST], [build with sanitizers: address,undefined or thread])],
        [AS_CASE([$enable_sanitizers], [yes], [enable_sanitizers=address,undefined])], [enable_sanitizers=no])

    IMD_CFLAGS="-std=gnu11 -pthread"
    IMD_LDFLAGS=
    m4_foreach_w([flag], [-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings
                          -Wpointer-arith -Wformat=2 -fstack-protector-strong],
                 [IMD_TRY_CFLAG(flag)])
    imd_warnings_summary="shown"
    AS_IF([test "$enable_werror" = yes], [
        IMD_CFLAGS="$IMD_CFLAGS -Werror"
        imd_warnings_summary="are errors"
    ])
    AC_ARG_ENABLE([fault-points],
        [AS_HELP_STRING([--enable-fault-points], [build in the points at which tests end the daemon; never for use])],
        [], [enable_fault_points=no])
    AS_IF([test "$enable_fault_points" = yes], [IMD_CFLAGS="$IMD_CFLAGS -DIMD_FAULT_POINTS"])
    AS_IF([test "$enable_sanitizers" != no], [
        imd_sanitize="-fsanitize=$enable_sanitizers -fno-omit-frame-pointer"
        AS_CASE([$enable_sanitizers], [*undefined*], [imd_sanitize="$imd_sanitize -fno-sanitize-recover=undefined"])
        imd_saved_CFLAGS=$CFLAGS
        CFLAGS="$CFLAGS $imd_sanitize"
        AC_MSG_CHECKING([whether $CC links with $imd_sanitize])
        AC_LINK_IFELSE([AC_LANG_PROGRAM], [AC_MSG_RESULT([yes])],
            [AC_MSG_ERROR([no: --enable-sanitizers=$enable_sanitizers needs the sanitizers' runtime (Debian packages libasan, libubsan, libtsan of gcc, or libclang-rt-dev of clang)])])
        CFLAGS=$imd_saved_CFLAGS
        IMD_CFLAGS="$IMD_CFLAGS $imd_sanitize"
        IMD_LDFLAGS="$IMD_LDFLAGS $imd_sanitize"
    ])
    AC_SUBST([IMD_CFLAGS])
    AC_SUBST([IMD_LDFLAGS])
])
