# SPDX-License-Identifier: BSD-3-Clause
bin_PROGRAMS += tools/samctl
tools_samctl_SOURCES = \
	tools/samctl.c \
	tools/samctl.h \
	tools/samctl_audit.c \
	tools/samctl_auth.c \
	tools/samctl_authenticator.c \
	tools/samctl_backup.c \
	tools/samctl_cm.c \
	tools/samctl_doctor.c \
	tools/samctl_doctor.h \
	tools/samctl_doctor_registry.c \
	tools/samctl_init.c \
	tools/samctl_key.c \
	tools/samctl_key_show.c \
	tools/samctl_out.c \
	tools/samctl_pending.c \
	tools/samctl_policy.c \
	tools/samctl_principal.c \
	tools/samctl_request.c \
	tools/samctl_request_watch.c \
	tools/samctl_sad.c \
	tools/samctl_sap.c \
	tools/samctl_signer.c \
	tools/samctl_status.c \
	tools/samctl_verbs.c
tools_samctl_CFLAGS = $(AM_CFLAGS) $(SAM_PIE_CFLAGS)
tools_samctl_LDFLAGS = $(AM_LDFLAGS) $(SAM_PIE_LDFLAGS)
tools_samctl_LDADD = libsam.la
bin_PROGRAMS += tools/sadtool
tools_sadtool_SOURCES = \
	tools/sadtool.c \
	tools/sadtool.h \
	tools/sadtool_document.c \
	tools/sadtool_encrypt.c \
	tools/sadtool_inspect.c \
	tools/sadtool_io.c \
	tools/sadtool_keygen.c \
	tools/sadtool_make.c \
	tools/sadtool_new.c \
	tools/sadtool_secret.c \
	tools/sadtool_signer.c \
	tools/sadtool_statement.c
tools_sadtool_CFLAGS = $(AM_CFLAGS) $(SAM_PIE_CFLAGS)
tools_sadtool_LDFLAGS = $(AM_LDFLAGS) $(SAM_PIE_LDFLAGS)
tools_sadtool_LDADD = libsam.la
EXTRA_DIST += \
	tools/common.sh \
	tools/packages \
	tools/quickstart \
	tools/runtests
