# SPDX-License-Identifier: BSD-3-Clause
libsam_la_SOURCES += \
	src/store/statements.def \
	src/store/check.c \
	src/store/checkpoint.c \
	src/store/chores.c \
	src/store/conn.c \
	src/store/copy.c \
	src/store/counters.c \
	src/store/create.c \
	src/store/deposits.c \
	src/store/grants.c \
	src/store/head.c \
	src/store/internal.h \
	src/store/mark.c \
	src/store/place.c \
	src/store/queue.c \
	src/store/renew.c \
	src/store/replace.c \
	src/store/requests.c \
	src/store/restore.c \
	src/store/rowmac.c \
	src/store/schema.c \
	src/store/store.c \
	src/store/store.h \
	src/store/tokens.c \
	src/store/trail.c \
	src/store/txn.c \
	src/store/upgrade.c \
	src/store/uses.c \
	src/store/writelock.c
