# SPDX-License-Identifier: BSD-3-Clause
libsam_la_SOURCES += \
	src/audit/events.def \
	src/audit/audit.h \
	src/audit/chain.c \
	src/audit/event.c \
	src/audit/internal.h \
	src/audit/process.c \
	src/audit/record.c \
	src/audit/text.c \
	src/audit/trail.c \
	src/audit/verify.c
