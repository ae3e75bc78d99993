# SPDX-License-Identifier: Apache-2.0
# Libraries by pkg-config. All that are missing are named at once, each with the Debian package that has it.

# IMD_LIBRARY(VARIABLE, PKG-CONFIG CONDITION, DEBIAN PACKAGE)
AC_DEFUN([IMD_LIBRARY], [
    PKG_CHECK_MODULES([$1], [$2], [have_$1=yes], [
        have_$1=no
        imd_missing_list="$imd_missing_list
  $2: Debian package $3"
        imd_missing_packages="$imd_missing_packages $3"
    ])
])

# The same for what only tests need: have_VARIABLE is yes, or says what is missing.
AC_DEFUN([IMD_LIBRARY_FOR_TESTS], [
    PKG_CHECK_MODULES([$1], [$2], [have_$1=yes], [have_$1="not built ($2 is missing: Debian package $3)"])
])

AC_DEFUN([IMD_LIBRARIES_DONE], [
    AS_IF([test -n "$imd_missing_packages"], [
        AC_MSG_ERROR([libraries are missing:$imd_missing_list
On Debian: apt-get install$imd_missing_packages (or run scripts/bootstrap)])
    ])
])
