# SPDX-License-Identifier: BSD-3-Clause
libsam_la_SOURCES += \
	src/policy/policy.c \
	src/policy/policy.h \
	src/policy/policy_file.c \
	src/policy/policy_keys.c \
	src/policy/policy_keys.h
