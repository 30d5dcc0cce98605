# SPDX-License-Identifier: BSD-3-Clause
libsam_la_SOURCES += \
	src/base/reasons.def \
	src/base/clock.c \
	src/base/clock.h \
	src/base/config.c \
	src/base/config.h \
	src/base/encode.c \
	src/base/encode.h \
	src/base/file.c \
	src/base/file.h \
	src/base/gcm.c \
	src/base/gcm.h \
	src/base/hash.c \
	src/base/hash.h \
	src/base/jws.c \
	src/base/jws.h \
	src/base/log.c \
	src/base/log.h \
	src/base/mechanism.c \
	src/base/mechanism.h \
	src/base/mem.c \
	src/base/mem.h \
	src/base/name.c \
	src/base/name.h \
	src/base/ossl.c \
	src/base/ossl.h \
	src/base/pkey.c \
	src/base/pkey.h \
	src/base/reason.c \
	src/base/reason.h \
	src/base/seal.c \
	src/base/seal.h \
	src/base/witness.h \
	src/base/yaml.c \
	src/base/yaml.h \
	src/base/yaml_value.c
