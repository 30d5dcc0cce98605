# SPDX-License-Identifier: BSD-3-Clause
libsam_la_SOURCES += \
	src/registry/edit.c \
	src/registry/edit.h \
	src/registry/identify.c \
	src/registry/identify.h \
	src/registry/internal.h \
	src/registry/key.c \
	src/registry/migrate.c \
	src/registry/password.c \
	src/registry/password.h \
	src/registry/registry.c \
	src/registry/registry.h \
	src/registry/row.c \
	src/registry/row.h \
	src/registry/row_key.c \
	src/registry/row_state.c
