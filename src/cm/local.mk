# SPDX-License-Identifier: BSD-3-Clause
libsam_la_SOURCES += \
	src/cm/attr.c \
	src/cm/cm.h \
	src/cm/describe.c \
	src/cm/find.c \
	src/cm/importkey.c \
	src/cm/internal.h \
	src/cm/key.c \
	src/cm/load.c \
	src/cm/login.c \
	src/cm/number.c \
	src/cm/pairwise.c \
	src/cm/random.c \
	src/cm/sapkey.c \
	src/cm/sapuse.c \
	src/cm/scan.c \
	src/cm/sealkey.c \
	src/cm/session.c \
	src/cm/sign.c \
	src/cm/spki.c \
	src/cm/statekey.c \
	src/cm/statement.c \
	src/cm/template.c \
	src/cm/token.c \
	src/cm/unwrap.c
