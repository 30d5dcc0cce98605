# SPDX-License-Identifier: BSD-3-Clause
libprovider_la_SOURCES += \
	src/provider/calls.def \
	src/provider/attribute.c \
	src/provider/certificate.c \
	src/provider/date.c \
	src/provider/deposit.c \
	src/provider/digest.c \
	src/provider/entry.c \
	src/provider/find.c \
	src/provider/gate.c \
	src/provider/generate.c \
	src/provider/init.c \
	src/provider/keyring.c \
	src/provider/lists.c \
	src/provider/login.c \
	src/provider/object.c \
	src/provider/object_session.c \
	src/provider/pkcs11_30.h \
	src/provider/provider.h \
	src/provider/random.c \
	src/provider/refuse.c \
	src/provider/scheme.c \
	src/provider/session.c \
	src/provider/sign.c \
	src/provider/slot.c \
	src/provider/spki.c \
	src/provider/template.c \
	src/provider/template_key.c \
	src/provider/verify.c
