# SPDX-License-Identifier: BSD-3-Clause
libsam_la_SOURCES += \
	src/sap/door.c \
	src/sap/exchange.c \
	src/sap/internal.h \
	src/sap/jose.c \
	src/sap/jose.h \
	src/sap/jose_alg.c \
	src/sap/jose_alg.h \
	src/sap/jose_jwk.c \
	src/sap/jose_jwk.h \
	src/sap/jose_sign.c \
	src/sap/jwe.c \
	src/sap/jwe.h \
	src/sap/jwe_key.c \
	src/sap/keys.c \
	src/sap/login.c \
	src/sap/open.c \
	src/sap/operation.c \
	src/sap/own.c \
	src/sap/own.h \
	src/sap/own_verify.c \
	src/sap/pin.c \
	src/sap/pin.h \
	src/sap/present.c \
	src/sap/rooms.h \
	src/sap/sad.c \
	src/sap/sad.h \
	src/sap/sad_details.c \
	src/sap/sad_details.h \
	src/sap/sad_text.c \
	src/sap/sam.h \
	src/sap/sealed.c \
	src/sap/statement.c \
	src/sap/statement.h \
	src/sap/verify.c \
	src/sap/verify.h
