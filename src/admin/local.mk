# SPDX-License-Identifier: BSD-3-Clause
libsam_la_SOURCES += \
	src/admin/act.c \
	src/admin/act.h \
	src/admin/act_authenticator.c \
	src/admin/act_policy.c \
	src/admin/act_principal.c \
	src/admin/act_signer.c \
	src/admin/backup.c \
	src/admin/backup.h \
	src/admin/backup_file.c \
	src/admin/backup_file.h \
	src/admin/container.c \
	src/admin/container.h \
	src/admin/container_chunk.c \
	src/admin/container_chunk.h \
	src/admin/container_read.c \
	src/admin/internal.h \
	src/admin/leftover.c \
	src/admin/leftover.h \
	src/admin/pending.c \
	src/admin/person.c \
	src/admin/person.h \
	src/admin/replay.c \
	src/admin/replay.h \
	src/admin/replay_edit.c \
	src/admin/replay_state.h \
	src/admin/restore.c \
	src/admin/restore.h \
	src/admin/restore_open.c \
	src/admin/restore_place.c \
	src/admin/restore_state.h \
	src/admin/restore_trail.c
