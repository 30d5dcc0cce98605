# SPDX-License-Identifier: BSD-3-Clause
#
# Every test speaks TAP; tests/run adds a time limit and knows exit 77 for "skipped".

TEST_EXTENSIONS = .sh
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
LOG_COMPILER = $(top_srcdir)/tests/run
SH_LOG_DRIVER = $(LOG_DRIVER)
SH_LOG_COMPILER = $(top_srcdir)/tests/run
AM_TESTS_ENVIRONMENT = \
	SAM_SRCDIR='$(abs_top_srcdir)'; export SAM_SRCDIR; \
	SAM_BUILDDIR='$(abs_top_builddir)'; export SAM_BUILDDIR; \
	SAM_SANITIZER='$(SANITIZER)'; export SAM_SANITIZER; \
	ASAN_OPTIONS=fast_unwind_on_malloc=0; export ASAN_OPTIONS; \
	LSAN_OPTIONS='print_suppressions=0:suppressions=$(abs_top_srcdir)/tests/lsan.supp'; export LSAN_OPTIONS; \
	TSAN_OPTIONS='second_deadlock_stack=1:suppressions=$(abs_top_srcdir)/tests/tsan.supp'; export TSAN_OPTIONS; \
	UBSAN_OPTIONS=print_stacktrace=1; export UBSAN_OPTIONS;
TEST_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/unit $(CHECK_CFLAGS)

EXTRA_DIST += tests/run

# ---- units: one program for each tests/unit/test_*.c ------------------------------------------
if HAVE_CHECK
UNIT_TESTS = \
	tests/unit/test_act \
	tests/unit/test_act_birth \
	tests/unit/test_act_key \
	tests/unit/test_act_life \
	tests/unit/test_act_signer \
	tests/unit/test_audit \
	tests/unit/test_base \
	tests/unit/test_cm \
	tests/unit/test_cm_fault \
	tests/unit/test_cm_import \
	tests/unit/test_cm_life \
	tests/unit/test_cm_own \
	tests/unit/test_cm_sap \
	tests/unit/test_config \
	tests/unit/test_container \
	tests/unit/test_csr \
	tests/unit/test_door \
	tests/unit/test_door_token \
	tests/unit/test_encrypted \
	tests/unit/test_evidence \
	tests/unit/test_factors \
	tests/unit/test_import \
	tests/unit/test_issuer \
	tests/unit/test_jose \
	tests/unit/test_jwe \
	tests/unit/test_mechanism \
	tests/unit/test_password \
	tests/unit/test_pin \
	tests/unit/test_policy \
	tests/unit/test_provider \
	tests/unit/test_policy_issuers \
	tests/unit/test_policy_life \
	tests/unit/test_proof \
	tests/unit/test_registry \
	tests/unit/test_replay \
	tests/unit/test_roles \
	tests/unit/test_sad \
	tests/unit/test_sad_table \
	tests/unit/test_secret_claim \
	tests/unit/test_service \
	tests/unit/test_statement \
	tests/unit/test_store \
	tests/unit/test_store_checkpoint \
	tests/unit/test_store_copy \
	tests/unit/test_store_counter \
	tests/unit/test_store_fault \
	tests/unit/test_store_mark \
	tests/unit/test_store_migrate \
	tests/unit/test_store_renew \
	tests/unit/test_store_request \
	tests/unit/test_store_tamper \
	tests/unit/test_vectors \
	tests/unit/test_wycheproof \
	tests/unit/test_x509 \
	tests/unit/test_yaml
endif
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
# of the programs that name neither sources nor libraries: tests/unit/test_x.c with these
AM_DEFAULT_SOURCE_EXT = .c
LDADD = libprovider.la libsam.la $(CHECK_LIBS)
UNIT_SHARED = \
	tests/unit/cm_token.h \
	tests/unit/issuer_fixture.h \
	tests/unit/jwe_maker.h \
	tests/unit/key_fixture.h \
	tests/unit/sad_changes.h \
	tests/unit/sad_devices.h \
	tests/unit/sad_maker.h \
	tests/unit/sad_table.txt \
	tests/unit/sad_template.h \
	tests/unit/sam_fixture.h \
	tests/unit/store_fixture.h \
	tests/unit/store_v1.h \
	tests/unit/unit.h \
	tests/unit/vectors.h \
	tests/unit/vectors_rfc.h \
	tests/unit/witness.h

EXTRA_DIST += $(UNIT_SHARED)

# ---- a CM that can be told to fail, and applications in C -------------------------------------
check_LTLIBRARIES += tests/fault/mockcm.la
tests_fault_mockcm_la_SOURCES = tests/fault/mockcm.c
tests_fault_mockcm_la_CPPFLAGS = $(TEST_CPPFLAGS)
tests_fault_mockcm_la_CFLAGS = $(AM_CFLAGS) -fvisibility=default
tests_fault_mockcm_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere
tests_fault_mockcm_la_LIBADD = $(CRYPTO_LIBS)
check_PROGRAMS += tests/fault/batch
tests_fault_batch_SOURCES = \
	tests/fault/batch.c \
	tests/fault/p11.h
tests_fault_batch_CPPFLAGS = $(TEST_CPPFLAGS)
tests_fault_batch_LDADD = libsam.la $(P11KIT_LIBS)
check_PROGRAMS += tests/fault/buffer
tests_fault_buffer_SOURCES = \
	tests/fault/buffer.c \
	tests/fault/p11.h
tests_fault_buffer_CPPFLAGS = $(TEST_CPPFLAGS)
tests_fault_buffer_LDADD = libsam.la $(P11KIT_LIBS)
check_PROGRAMS += tests/fault/guess
tests_fault_guess_SOURCES = \
	tests/fault/guess.c
tests_fault_guess_CPPFLAGS = $(TEST_CPPFLAGS)
tests_fault_guess_LDADD = libsam.la $(P11KIT_LIBS)
check_PROGRAMS += tests/fault/hsmobject
tests_fault_hsmobject_SOURCES = \
	tests/fault/hsmobject.c
tests_fault_hsmobject_CPPFLAGS = $(TEST_CPPFLAGS)
tests_fault_hsmobject_LDADD = libsam.la $(P11KIT_LIBS)
check_PROGRAMS += tests/fault/race
tests_fault_race_SOURCES = \
	tests/fault/race.c \
	tests/fault/p11.h
tests_fault_race_CPPFLAGS = $(TEST_CPPFLAGS)
tests_fault_race_LDADD = libsam.la $(P11KIT_LIBS)
check_PROGRAMS += tests/fault/respell
tests_fault_respell_SOURCES = \
	tests/fault/respell.c
tests_fault_respell_CPPFLAGS = $(TEST_CPPFLAGS)
tests_fault_respell_LDADD = libsam.la $(P11KIT_LIBS)
check_PROGRAMS += tests/fault/store_load
tests_fault_store_load_SOURCES = \
	tests/fault/store_load.c
tests_fault_store_load_CPPFLAGS = $(TEST_CPPFLAGS)
tests_fault_store_load_LDADD = libsam.la $(P11KIT_LIBS)
check_PROGRAMS += tests/fault/talk
tests_fault_talk_SOURCES = \
	tests/fault/p11.h \
	tests/fault/talk.c
tests_fault_talk_CPPFLAGS = $(TEST_CPPFLAGS)
tests_fault_talk_LDADD = libsam.la $(P11KIT_LIBS)
check_PROGRAMS += tests/fault/victim
tests_fault_victim_SOURCES = \
	tests/fault/victim.c \
	tests/fault/p11.h
tests_fault_victim_CPPFLAGS = $(TEST_CPPFLAGS)
tests_fault_victim_LDADD = libsam.la $(P11KIT_LIBS)
check_PROGRAMS += tests/client/package
tests_client_package_SOURCES = \
	tests/client/package.c
tests_client_package_CPPFLAGS = $(TEST_CPPFLAGS)
tests_client_package_LDADD = libsam.la
check_PROGRAMS += tests/client/acts
tests_client_acts_SOURCES = \
	tests/client/acts.c
tests_client_acts_CPPFLAGS = $(TEST_CPPFLAGS)
tests_client_acts_LDADD = libsam.la
check_PROGRAMS += tests/client/chaos
tests_client_chaos_SOURCES = \
	tests/client/chaos.c
tests_client_chaos_CPPFLAGS = $(TEST_CPPFLAGS)
tests_client_chaos_LDADD = libsam.la $(P11KIT_LIBS)
check_PROGRAMS += tests/client/jwe
tests_client_jwe_SOURCES = \
	tests/client/jwe.c
tests_client_jwe_CPPFLAGS = $(TEST_CPPFLAGS)
tests_client_jwe_LDADD = libsam.la $(P11KIT_LIBS)
check_PROGRAMS += tests/client/officer
tests_client_officer_SOURCES = \
	tests/client/officer.c
tests_client_officer_CPPFLAGS = $(TEST_CPPFLAGS)
tests_client_officer_LDADD = libsam.la $(P11KIT_LIBS)
check_PROGRAMS += tests/client/roles_calls
tests_client_roles_calls_SOURCES = \
	tests/client/roles_calls.c \
	tests/fault/p11.h
tests_client_roles_calls_CPPFLAGS = $(TEST_CPPFLAGS)
tests_client_roles_calls_LDADD = libsam.la $(P11KIT_LIBS)
check_PROGRAMS += tests/client/keys_table
tests_client_keys_table_SOURCES = \
	tests/client/keys_table.c \
	tests/fault/p11.h
tests_client_keys_table_CPPFLAGS = $(TEST_CPPFLAGS)
tests_client_keys_table_LDADD = libsam.la $(P11KIT_LIBS)
check_PROGRAMS += tests/client/defer
tests_client_defer_SOURCES = \
	tests/client/defer.c \
	tests/fault/p11.h
tests_client_defer_CPPFLAGS = $(TEST_CPPFLAGS)
tests_client_defer_LDADD = libsam.la $(P11KIT_LIBS)
check_PROGRAMS += tests/client/late
tests_client_late_SOURCES = \
	tests/client/late.c \
	tests/fault/p11.h
tests_client_late_CPPFLAGS = $(TEST_CPPFLAGS)
tests_client_late_LDADD = libsam.la $(P11KIT_LIBS)
check_PROGRAMS += tests/client/wait
tests_client_wait_SOURCES = \
	tests/client/wait.c \
	tests/fault/p11.h
tests_client_wait_CPPFLAGS = $(TEST_CPPFLAGS)
tests_client_wait_LDADD = libsam.la $(P11KIT_LIBS) -lpthread
check_PROGRAMS += tests/client/p11calls
tests_client_p11calls_SOURCES = \
	tests/client/p11calls.c \
	tests/client/p11calls.h \
	tests/client/p11calls_generate.c \
	tests/client/p11calls_life.c \
	tests/client/p11calls_objects.c \
	tests/client/p11calls_officer.c \
	tests/client/p11calls_sign.c \
	tests/client/p11calls_templates.c
tests_client_p11calls_CPPFLAGS = $(TEST_CPPFLAGS)
tests_client_p11calls_LDADD = libsam.la $(P11KIT_LIBS)

# ---- fuzzing: with --enable-fuzzers libFuzzer's main(), else one that replays the kept corpus --
FUZZERS = \
	tests/fuzz/fuzz_digestinfo \
	tests/fuzz/fuzz_issuer \
	tests/fuzz/fuzz_jose \
	tests/fuzz/fuzz_jwe \
	tests/fuzz/fuzz_sad \
	tests/fuzz/fuzz_secret_claim \
	tests/fuzz/fuzz_x509 \
	tests/fuzz/fuzz_yaml
check_PROGRAMS += $(FUZZERS)
if FUZZERS_BY_LIBFUZZER
FUZZING_FLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
FUZZ_MAIN =
else
FUZZING_FLAGS = $(AM_LDFLAGS)
FUZZ_MAIN = tests/fuzz/standalone.c
endif
tests_fuzz_fuzz_digestinfo_SOURCES = tests/fuzz/fuzz_digestinfo.c $(FUZZ_MAIN)
tests_fuzz_fuzz_digestinfo_CPPFLAGS = $(TEST_CPPFLAGS)
tests_fuzz_fuzz_digestinfo_LDADD = libprovider.la libsam.la
tests_fuzz_fuzz_digestinfo_LDFLAGS = $(FUZZING_FLAGS)
tests_fuzz_fuzz_issuer_SOURCES = tests/fuzz/fuzz_issuer.c $(FUZZ_MAIN)
tests_fuzz_fuzz_issuer_CPPFLAGS = $(TEST_CPPFLAGS)
tests_fuzz_fuzz_issuer_LDADD = libprovider.la libsam.la
tests_fuzz_fuzz_issuer_LDFLAGS = $(FUZZING_FLAGS)
tests_fuzz_fuzz_jose_SOURCES = tests/fuzz/fuzz_jose.c $(FUZZ_MAIN)
tests_fuzz_fuzz_jose_CPPFLAGS = $(TEST_CPPFLAGS)
tests_fuzz_fuzz_jose_LDADD = libprovider.la libsam.la
tests_fuzz_fuzz_jose_LDFLAGS = $(FUZZING_FLAGS)
tests_fuzz_fuzz_jwe_SOURCES = tests/fuzz/fuzz_jwe.c $(FUZZ_MAIN)
tests_fuzz_fuzz_jwe_CPPFLAGS = $(TEST_CPPFLAGS)
tests_fuzz_fuzz_jwe_LDADD = libprovider.la libsam.la
tests_fuzz_fuzz_jwe_LDFLAGS = $(FUZZING_FLAGS)
tests_fuzz_fuzz_sad_SOURCES = tests/fuzz/fuzz_sad.c $(FUZZ_MAIN)
tests_fuzz_fuzz_sad_CPPFLAGS = $(TEST_CPPFLAGS)
tests_fuzz_fuzz_sad_LDADD = libprovider.la libsam.la
tests_fuzz_fuzz_sad_LDFLAGS = $(FUZZING_FLAGS)
tests_fuzz_fuzz_secret_claim_SOURCES = tests/fuzz/fuzz_secret_claim.c $(FUZZ_MAIN)
tests_fuzz_fuzz_secret_claim_CPPFLAGS = $(TEST_CPPFLAGS)
tests_fuzz_fuzz_secret_claim_LDADD = libprovider.la libsam.la
tests_fuzz_fuzz_secret_claim_LDFLAGS = $(FUZZING_FLAGS)
tests_fuzz_fuzz_x509_SOURCES = tests/fuzz/fuzz_x509.c $(FUZZ_MAIN)
tests_fuzz_fuzz_x509_CPPFLAGS = $(TEST_CPPFLAGS)
tests_fuzz_fuzz_x509_LDADD = libprovider.la libsam.la
tests_fuzz_fuzz_x509_LDFLAGS = $(FUZZING_FLAGS)
tests_fuzz_fuzz_yaml_SOURCES = tests/fuzz/fuzz_yaml.c $(FUZZ_MAIN)
tests_fuzz_fuzz_yaml_CPPFLAGS = $(TEST_CPPFLAGS)
tests_fuzz_fuzz_yaml_LDADD = libprovider.la libsam.la
tests_fuzz_fuzz_yaml_LDFLAGS = $(FUZZING_FLAGS)
fuzzers: $(FUZZERS)
.PHONY: fuzzers
EXTRA_DIST += tests/fuzz/corpus

# ---- the module in real applications, and attacked --------------------------------------------
CLIENT_TESTS = \
	tests/client/backup.sh \
	tests/client/backup_keys.sh \
	tests/client/backup_kill.sh \
	tests/client/calls.sh \
	tests/client/certificate.sh \
	tests/client/deferred.sh \
	tests/client/deferred_calls.sh \
	tests/client/deferred_inband.sh \
	tests/client/deferred_samctl.sh \
	tests/client/deferred_server.sh \
	tests/client/encrypted.sh \
	tests/client/factors.sh \
	tests/client/gnutls.sh \
	tests/client/hour.sh \
	tests/client/import.sh \
	tests/client/invariants.sh \
	tests/client/issuer.sh \
	tests/client/java.sh \
	tests/client/jose_oracle.sh \
	tests/client/key_tools.sh \
	tests/client/keys_table.sh \
	tests/client/leaks.sh \
	tests/client/levels.sh \
	tests/client/login_mode.sh \
	tests/client/man_matches.sh \
	tests/client/mechanisms.sh \
	tests/client/migrate.sh \
	tests/client/nss.sh \
	tests/client/officer_tools.sh \
	tests/client/openssl_engine.sh \
	tests/client/officer_alone.sh \
	tests/client/p11calls.sh \
	tests/client/p11kit_server.sh \
	tests/client/pkcs11_tool.sh \
	tests/client/roles.sh \
	tests/client/sadtool.sh \
	tests/client/samctl.sh \
	tests/client/service.sh \
	tests/client/samctl_acts.sh
FAULT_TESTS = \
	tests/fault/acts.sh \
	tests/fault/batch.sh \
	tests/fault/behind.sh \
	tests/fault/cmfail.sh \
	tests/fault/disk.sh \
	tests/fault/edits.sh \
	tests/fault/garble.sh \
	tests/fault/kill.sh \
	tests/fault/lock.sh \
	tests/fault/policy.sh \
	tests/fault/race.sh \
	tests/fault/spelling.sh \
	tests/fault/pin.sh \
	tests/fault/stolen.sh \
	tests/fuzz/replay.sh
# About the protocol, so it is run with one build only.
MODEL_TESTS = tests/model/model.sh
TESTS += $(CLIENT_TESTS) $(FAULT_TESTS) $(MODEL_TESTS)
EXTRA_DIST += $(CLIENT_TESTS) $(FAULT_TESTS) $(MODEL_TESTS) tests/model/sap.pml
EXTRA_DIST += \
	tests/client/deferred_lib.sh \
	tests/client/lib.sh \
	tests/client/roles_acts.sh \
	tests/client/samctl_lib.sh \
	tests/fault/words.sh \
	tests/lsan.supp \
	tests/tsan.supp \
	tests/valgrind.supp \
	tests/client/Sign.java \
	tests/fixtures/store-v1.tar.xz \
	tests/fixtures/store-v2.tar.xz

# The map from the guideline's clauses to tests reads the logs of this run, so it comes last.
TESTS += tests/client/requirements.sh
EXTRA_DIST += tests/client/requirements.sh tests/requirements.tsv
tests/client/requirements.log: $(UNIT_TESTS:=.log) $(CLIENT_TESTS:.sh=.log) $(FAULT_TESTS:.sh=.log) \
	$(MODEL_TESTS:.sh=.log)

# ---- what tools/runtests runs in its other builds ---------------------------------------------
# Those that a sanitizer cannot live with say so themselves.
SANITIZER_TESTS = $(CLIENT_TESTS) $(FAULT_TESTS)
# Where threads race.
THREAD_TESTS = $(RACES)
# Units without threads, processes or a CM, which valgrind runs in one process.
VALGRIND_TESTS = $(VALGRIND_UNITS)

print-%:
	@echo '$($*)'
RACES = tests/fault/batch.sh tests/fault/race.sh tests/unit/test_cm tests/unit/test_store
VALGRIND_UNITS = tests/unit/test_base tests/unit/test_yaml tests/unit/test_sad tests/unit/test_pin tests/unit/test_policy tests/unit/test_mechanism tests/unit/test_registry tests/unit/test_roles tests/unit/test_config
