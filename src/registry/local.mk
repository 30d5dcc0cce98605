# SPDX-License-Identifier: BSD-3-Clause
libsam_la_SOURCES += \
	src/registry/password.c \
	src/registry/password.h \
	src/registry/registry.c \
	src/registry/registry.h \
	src/registry/row.c \
	src/registry/row.h
