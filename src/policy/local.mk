# SPDX-License-Identifier: BSD-3-Clause
libsam_la_SOURCES += \
	src/policy/acts.c \
	src/policy/acts.def \
	src/policy/acts.h \
	src/policy/factors.c \
	src/policy/factors.h \
	src/policy/keycalls.c \
	src/policy/keycalls.def \
	src/policy/keycalls.h \
	src/policy/policy.c \
	src/policy/policy.h \
	src/policy/policy_algorithms.c \
	src/policy/policy_algorithms.h \
	src/policy/policy_cas.c \
	src/policy/policy_cas.h \
	src/policy/policy_cms.c \
	src/policy/policy_cms.h \
	src/policy/policy_file.c \
	src/policy/policy_issuers.c \
	src/policy/policy_issuers.h \
	src/policy/policy_keys.c \
	src/policy/policy_keys.h \
	src/policy/policy_read.c \
	src/policy/policy_read.h \
	src/policy/policy_roles.c \
	src/policy/policy_roles.h \
	src/policy/policy_sap.c \
	src/policy/policy_sap.h \
	src/policy/roles.c \
	src/policy/roles.h
