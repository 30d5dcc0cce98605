dnl SPDX-License-Identifier: BSD-3-Clause
dnl
dnl Compiler and linker flags, each taken only where it works.

dnl SAM_APPEND_CFLAG(VARIABLE, FLAG): Add FLAG to VARIABLE if the compiler knows it.
AC_DEFUN([SAM_APPEND_CFLAG], [
	AS_VAR_PUSHDEF([known], [sam_cv_cflag_$2])
	AC_CACHE_CHECK([whether $CC takes $2], [known], [
		sam_save_CFLAGS=$CFLAGS
		CFLAGS="$CFLAGS -Werror $SAM_TEST_FLAGS $2"
		AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
			[AS_VAR_SET([known], [yes])], [AS_VAR_SET([known], [no])])
		CFLAGS=$sam_save_CFLAGS
	])
	AS_VAR_IF([known], [yes], [$1="$$1 $2"])
	AS_VAR_POPDEF([known])
])

dnl SAM_APPEND_LDFLAG(VARIABLE, FLAG): Add FLAG to VARIABLE if the linker knows it.
AC_DEFUN([SAM_APPEND_LDFLAG], [
	AS_VAR_PUSHDEF([known], [sam_cv_ldflag_$2])
	AC_CACHE_CHECK([whether the linker takes $2], [known], [
		sam_save_CFLAGS=$CFLAGS
		sam_save_LDFLAGS=$LDFLAGS
		CFLAGS="$CFLAGS -fPIE"
		LDFLAGS="$LDFLAGS $2"
		AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
			[AS_VAR_SET([known], [yes])], [AS_VAR_SET([known], [no])])
		CFLAGS=$sam_save_CFLAGS
		LDFLAGS=$sam_save_LDFLAGS
	])
	AS_VAR_IF([known], [yes], [$1="$$1 $2"])
	AS_VAR_POPDEF([known])
])
