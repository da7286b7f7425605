# sessmem: see "make help".

# ------------------------------------------------------------------- products

MODULE_big = sessmem
EXTENSION = sessmem

# In the order of the architecture: each may call those above it.
OBJS = \
	src/sessmem.o \
	src/guc.o \
	src/shmem.o \
	src/stat.o \
	src/violations.o \
	src/keyring.o \
	src/token.o \
	src/issuer.o \
	src/session.o \
	src/commit.o \
	src/seal.o \
	src/context.o \
	src/claims.o \
	src/pooling.o \
	src/registry.o \
	src/maintenance.o \
	src/policy.o \
	src/guard.o \
	src/recall.o \
	src/prove.o \
	src/access.o \
	src/ddl.o \
	src/enforce.o \
	src/worker.o

PRIVATE_HEADERS = src/sessmem.h src/session.h src/compat.h

# In the order in which CREATE EXTENSION runs them; grants last.
SQL_PARTS = \
	extension/prolog.sql \
	extension/violations.sql \
	extension/keyring.sql \
	extension/issuer.sql \
	extension/context.sql \
	extension/claims.sql \
	extension/registry.sql \
	extension/maintenance.sql \
	extension/guard.sql \
	extension/policy.sql \
	extension/ddl.sql \
	extension/preset.sql \
	extension/session.sql \
	extension/forget.sql \
	extension/worker.sql \
	extension/recall.sql \
	extension/prove.sql \
	extension/audit.sql \
	extension/audit_weakness.sql \
	extension/audit_context.sql \
	extension/audit_storage.sql \
	extension/audit_guard.sql \
	extension/audit_scope.sql \
	extension/audit_leak.sql \
	extension/audit_role.sql \
	extension/audit_table.sql \
	extension/audit_operation.sql \
	extension/report.sql \
	extension/roles.sql \
	extension/grants.sql

# The version is written once, in the control file.
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" sessmem.control)
DATA_built = sessmem--$(EXTVERSION).sql

PG_CFLAGS += -Wall -Wextra -Wno-unused-parameter
ifdef WERROR
# The tests set it; a packager's newer compiler must not stop a build.
PG_CFLAGS += -Werror
endif
SHLIB_LINK += -lcrypto

# ---------------------------------------------------------------------- tests

# A file in sql/ that is missing here fails "make check".
REGRESS = init keyring token issuer seal context claims registry policy guard keys preset session recall maintenance access ddl enforce prove violations roles privileges injection volatility pooling forget worker report audit drop
ISOLATION = $(sort $(basename $(notdir $(wildcard test/isolation/specs/*.spec))))
TAP_TESTS = 1
PROVE_TESTS = test/t/*.pl
PROVE_FLAGS += -I test/t

# For "make installcheck"; "make check" sets its own.
ISOLATION_OPTS = --inputdir=test/isolation
EXTRA_CLEAN = tmp_check tmp_install

# ---------------------------------------------------------------------- rules

PG_CONFIG ?= pg_config

ifneq (,$(filter check help,$(MAKECMDGOALS)))

# PGXS has a "check" of its own, which only refuses.  So PGXS stays out when
# check is asked for, and any other goal on the line goes to a make with it.
.PHONY: $(MAKECMDGOALS)
others = $(filter-out check help,$(MAKECMDGOALS))

$(others):
	@$(MAKE) --no-print-directory $@

check: $(others)
	@PG_CONFIG='$(PG_CONFIG)' MAKE='$(MAKE)' REGRESS='$(REGRESS)' ISOLATION='$(ISOLATION)' test/check

help:
	@echo 'make                   build for the PostgreSQL of PG_CONFIG (default: pg_config in PATH)'
	@echo 'make check             build, then test on private throw-away servers; installs nothing'
	@echo 'make install           install into that PostgreSQL'
	@echo 'make installcheck      test what is installed, on the running server of PGHOST and PGPORT,'
	@echo '                       which has to preload sessmem'
	@echo 'make clean             remove what the build and the tests made'
	@echo
	@echo 'WERROR=1               warnings are errors, as in the tests'
	@echo 'PG_CFLAGS, SHLIB_LINK  additional flags, from the environment'
	@echo
	@echo 'script/test            every suite on PostgreSQL 15, 17 and 18; installs what it needs'
	@echo 'script/demo            the demonstration'

else

PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

.DELETE_ON_ERROR:

$(DATA_built): $(SQL_PARTS) sessmem.control
	cat $(SQL_PARTS) > $@

# PGXS follows headers only where PostgreSQL was configured with --enable-depend.
$(OBJS) $(OBJS:.o=.bc): $(PRIVATE_HEADERS)

endif
