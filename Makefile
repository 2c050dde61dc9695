# VPNUnit: `make run` tries it, `make test` tests it, `make qa` checks everything, `make deb` makes a Debian package.
#
#     BUILD=DIR        where to build
#     CC=clang         with another compiler
#     PREFIX, DESTDIR  where `make install` puts it
#     V=1              shows the commands whole

BUILD    ?= build
CACHE    ?= build/.cache
PREFIX   ?= /usr/local
PYTHON   := /usr/bin/python3
PKGS     := libgit2 sqlite3 openssl yajl
MAKEFLAGS += --no-print-directory
say       = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2);)

# pkg-config is asked in the recipes alone, since `make deps` may only just bring it.
CSTD     := -std=c11 -D_GNU_SOURCE
WARN     := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Werror
HARDEN   := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection \
            $(if $(filter x86_64,$(shell uname -m)),-fcf-protection)
CPPFLAGS += -Isrc -isystem $(BUILD)/civetweb $(shell pkg-config --cflags $(PKGS))
CFLAGS   += $(CSTD) $(HARDEN) -fPIE -MMD -MP -pthread
LDFLAGS  += -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed
LDLIBS   += $(shell pkg-config --libs $(PKGS))

# The binary package of 1.15 has no IPv6, no unix sockets and no TLS with OpenSSL 3.
# With TLS it takes a path with a digit before an s or r for a TLS port: src/http/server.c heeds that.
# Its stop flag is atomic only when asked for; the quantum (ms) is how soon it sees that flag.
CIVETWEB_VERSION := 1.15+dfsg-4
CIVETWEB_FLAGS   := -DUSE_IPV6 -DUSE_X_DOM_SOCKET -DOPENSSL_API_3_0 -DNO_SSL_DL -DNO_CGI -DNO_POPEN -DNO_FILES -DNO_CACHING \
                    -DSTOP_FLAG_NEEDS_LOCK -DSOCKET_TIMEOUT_QUANTUM=200

SRC   := $(filter-out src/main.c,$(wildcard src/*/*.c))
EMBED := $(wildcard src/*/*.S)
OBJ   := $(SRC:%.c=$(BUILD)/%.o) $(EMBED:%.S=$(BUILD)/%.S.o) $(BUILD)/civetweb/civetweb.o
UNIT  := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_*.c))
FUZZ  := $(patsubst tests/fuzz/%.c,$(BUILD)/tests/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

SHIMS := $(BUILD)/crash/fail.so $(BUILD)/crash/record.so
BENCH := $(BUILD)/bench/load $(BUILD)/bench/constant

PROMTOOL  := $(abspath $(CACHE))/promtool
# The slow ones first: what waits for a tunnel leaves the processor to the others.
SUITES    := $(wildcard $(addprefix tests/,net crash prop rules golden api))
FORMATTED := $(wildcard src/*.c src/*/*.c tests/unit/*.c tests/fuzz/*.c tests/crash/*.c tests/bench/*.c)
SCRIPTS   := $(wildcard .ci/debian/vpnunit.p*) hooks/router/vpnunit-renew tests/memcheck .ci/archive .ci/civetweb .ci/deb .ci/deps .ci/fresh .ci/promtool .ci/run .ci/try

$(BUILD)/vpnunit: $(BUILD)/src/main.o $(BUILD)/libvpnunit.a
	$(call say,LINK,$@) $(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/libvpnunit.a: $(OBJ)
	$(call say,AR,$@) rm -f $@ && ar rcs $@ $^

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<) $(CC) $(CPPFLAGS) $(CFLAGS) $(WARN) -c -o $@ $<

# Assembler files embed files of the tree by .incbin, which the compiler's -MMD doesn't see.
$(BUILD)/%.S.o: %.S Makefile $(shell find templates hooks state -type f)
	@mkdir -p $(@D)
	$(call say,AS,$<) $(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/civetweb/civetweb.h: .ci/civetweb .ci/civetweb.patch
	$(call say,GET,$@) .ci/civetweb $(CIVETWEB_VERSION) $(CACHE) $(@D)

$(BUILD)/civetweb/civetweb.o: $(BUILD)/civetweb/civetweb.h Makefile
	$(call say,CC,$(@D)/civetweb.c) $(CC) $(CPPFLAGS) $(CFLAGS) $(CIVETWEB_FLAGS) -w -c -o $@ $(@D)/civetweb.c

$(filter $(BUILD)/src/http/%,$(OBJ)): | $(BUILD)/civetweb/civetweb.h

$(BUILD)/tests/unit/%: tests/unit/%.c $(BUILD)/libvpnunit.a
	@mkdir -p $(@D)
	$(call say,CC,$<) $(CC) $(CPPFLAGS) $(CFLAGS) $(WARN) $(LDFLAGS) -o $@ $< $(BUILD)/libvpnunit.a $(LDLIBS) -lcmocka

# With a main that reads the seeds; `make fuzz` puts libFuzzer's in its place.
FUZZ_MAIN = $(BUILD)/tests/fuzz/replay.o
.SECONDARY: $(BUILD)/tests/fuzz/arena.o $(FUZZ_MAIN)
$(BUILD)/tests/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(BUILD)/tests/fuzz/arena.o $(FUZZ_MAIN) $(BUILD)/libvpnunit.a
	$(call say,CC,$<) $(CC) $(CPPFLAGS) $(CFLAGS) $(WARN) $(LDFLAGS) $(FUZZ_LINK) -o $@ \
	$(filter %.c %.o %.a,$^) $(LDLIBS)

# --- What a Debian that has only make needs. ---

deps:
	@.ci/deps run
deps-test:
	@.ci/deps run test
	@$(MAKE) $(CLIENT)
	@.ci/promtool $(CACHE) > /dev/null
deps-qa:
	@.ci/deps run test qa
	@$(MAKE) $(CLIENT)

# What lints the OpenAPI document and makes a client of it, with locked versions, for tests alone.
CLIENT := $(BUILD)/client/node_modules
$(CLIENT): $(addprefix tests/client/,package.json package-lock.json .npmrc)
	@mkdir -p $(@D) && cp $^ $(@D)
	$(call say,NPM,$@) npm ci --prefix $(@D) --loglevel error --no-audit --no-fund --ignore-scripts && touch $@

run: deps
	@$(MAKE) $(BUILD)/vpnunit
	@.ci/try $(BUILD)/vpnunit $(CURDIR)/data

test: deps-test
	@$(MAKE) check

# --- Tests, once everything is installed.  pytest is last, since its last line counts them. ---

check: $(BUILD)/vpnunit $(SHIMS) unit seeds $(CLIENT)
	@echo "== pytest $(SUITES)"
	@VPNUNIT_BIN=$(abspath $(BUILD)/vpnunit) VPNUNIT_PROMTOOL=$(PROMTOOL) \
	$(PYTHON) -m pytest -n 2 --dist loadgroup -o cache_dir=$(abspath $(BUILD))/pytest $(SUITES)

# Preloaded into services under test, never linked; plain, so that a sanitizer's runtime is not needed twice.
$(BUILD)/crash/%.so: tests/crash/%.c tests/crash/disk.c tests/crash/disk.h
	@mkdir -p $(@D)
	$(call say,SO,$@) $(CC) $(CSTD) -O2 -g -fPIC -shared $(WARN) -o $@ $(filter %.c,$^)

# What failed the last time, alone: tunnels and timers may miss their moment on a busy machine.
# By one worker, since only workers know the names that `check` noted, which end in @group.
check-failed:
	@VPNUNIT_BIN=$(abspath $(BUILD)/vpnunit) VPNUNIT_PROMTOOL=$(PROMTOOL) \
	$(PYTHON) -m pytest -n 1 --dist loadgroup -o cache_dir=$(abspath $(BUILD))/pytest \
	--last-failed --last-failed-no-failures none $(SUITES)

# The console, in a real Chromium.
BROWSER = @VPNUNIT_BIN=$(abspath $(BUILD)/vpnunit) \
          $(PYTHON) -m pytest -o cache_dir=$(abspath $(BUILD))/pytest-browser tests/browser

deps-browser:
	@.ci/deps run test browser
test-browser: deps-browser
	@$(MAKE) check-browser
check-browser: $(BUILD)/vpnunit
	$(BROWSER)
check-browser-failed:
	$(BROWSER) --last-failed --last-failed-no-failures none

# Random histories, new ones each time: half an hour.  Every crash that a disk and a client can make: an hour.
test-long: deps-test $(BUILD)/vpnunit $(SHIMS)
	@VPNUNIT_HISTORIES=500 VPNUNIT_STEPS=30 VPNUNIT_LONG=1 VPNUNIT_BIN=$(abspath $(BUILD)/vpnunit) \
	$(PYTHON) -m pytest -o cache_dir=$(abspath $(BUILD))/pytest tests/prop tests/crash
	@VPNUNIT_SEED=$$(date +%s) VPNUNIT_REQUESTS=50000 VPNUNIT_BIN=$(abspath $(BUILD)/vpnunit) \
	$(PYTHON) -m pytest -o cache_dir=$(abspath $(BUILD))/pytest tests/api/test_api_fuzz.py

seeds: $(FUZZ)
	@set -e; for f in $(FUZZ); do echo "== $${f##*/}"; $$f tests/fuzz/seeds/$${f##*/fuzz_}; done

# T seconds each, on from what was found before; what crashed is in $(BUILD)/fuzz/found.
T ?= 60
fuzz: deps-qa
	@$(MAKE) BUILD=$(BUILD)/fuzz CC=clang FUZZ_MAIN= FUZZ_LINK=-fsanitize=fuzzer \
	$(call SANITIZE,address$(comma)undefined$(comma)fuzzer-no-link) fuzz-run
fuzz-run: $(FUZZ)
	@mkdir -p $(BUILD)/found; set -e; for f in $(FUZZ); do name=$${f##*/fuzz_}; mkdir -p $(BUILD)/corpus/$$name; \
	echo "== $${f##*/}"; $$f -max_total_time=$(T) -timeout=20 -artifact_prefix=$(BUILD)/found/$$name- \
	-verbosity=0 -print_final_stats=1 $(BUILD)/corpus/$$name tests/fuzz/seeds/$$name; done

unit: $(UNIT)
	@set -e; for t in $(UNIT); do echo "== $${t##*/}"; $$t; done

# The same, built with sanitizers, which FORTIFY would blind and which make gcc see ghosts
# (-Wmaybe-uninitialized, -Wformat-truncation); and by the other compiler.
SANITIZE = HARDEN='-O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all -fsanitize=$(1)' \
           WARN='$(filter-out -Werror,$(WARN))'
comma   := ,

asan: export ASAN_OPTIONS := detect_leaks=1:abort_on_error=1:detect_stack_use_after_return=1
asan: export UBSAN_OPTIONS := print_stacktrace=1
asan: export VPNUNIT_PATIENCE := 5
asan:
	@$(MAKE) BUILD=$(BUILD)/asan $(call SANITIZE,address$(comma)undefined) check

tsan: export TSAN_OPTIONS := halt_on_error=1:second_deadlock_stack=1:suppressions=$(CURDIR)/tests/tsan.supp
tsan: export VPNUNIT_PATIENCE := 10
tsan:
	@$(MAKE) BUILD=$(BUILD)/tsan $(call SANITIZE,thread) SUITES="tests/api tests/crash" check

# The programs of the units and every vpnunit that the API's tests run, under valgrind: an hour.
memcheck: export VPNUNIT_PATIENCE := 30
memcheck: export MEMCHECK_BIN := $(abspath $(BUILD)/vpnunit)
memcheck: export MEMCHECK_LOGS := $(abspath $(BUILD)/memcheck)
memcheck: $(BUILD)/vpnunit $(UNIT)
	@rm -rf $(MEMCHECK_LOGS) && mkdir -p $(MEMCHECK_LOGS)
	@for t in $(UNIT); do echo "== $${t##*/}"; MEMCHECK_BIN=$$t tests/memcheck || exit 1; done
	@VPNUNIT_BIN=$(abspath tests/memcheck) $(PYTHON) -m pytest -p no:cacheprovider tests/api
	@! find $(MEMCHECK_LOGS) -size +0 | grep .

clang:
	@$(MAKE) BUILD=$(BUILD)/clang CC=clang $(BUILD)/clang/vpnunit unit

# --- Checks of the source. ---

tidy: $(patsubst %.c,$(BUILD)/tidy/%,src/main.c $(SRC))
	cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 -Isrc src
	shellcheck $(SCRIPTS)
	mandoc -Tlint -Wwarning src/vpnunit.8

# After the object, whose dependencies are known.
$(BUILD)/tidy/%: %.c $(BUILD)/%.o .clang-tidy .ci/tidy.h
	$(call say,TIDY,$<) clang-tidy --quiet $< -- $(CSTD) $(CPPFLAGS) $(if $(filter src/base/job.c,$<),,-include .ci/tidy.h)
	@mkdir -p $(@D) && touch $@

# Headers are laid out by hand, as a manual is.
fmt:
	@clang-format -i $(FORMATTED)
fmt-check:
	@echo "fmt-check: clang-format --dry-run"; clang-format --dry-run --Werror $(FORMATTED)

qa: deps-qa
	@$(MAKE) fmt-check
	@$(MAKE) tidy
	@$(MAKE) check
	@$(MAKE) clang
	@$(MAKE) tsan
	@$(MAKE) asan

# On a machine that does nothing else, a quarter of an hour; with QUICK=1 two minutes that only show that it works.
bench:
	@.ci/deps run bench
	@$(MAKE) $(BUILD)/vpnunit $(BENCH)
	@$(PYTHON) tests/bench/bench.py $(BUILD)/vpnunit $(BUILD)/bench $(if $(QUICK),--quick)

$(BUILD)/bench/load: tests/bench/load.c
	@mkdir -p $(@D)
	$(call say,CC,$<) $(CC) $(CSTD) $(HARDEN) $(WARN) -o $@ $<

$(BUILD)/bench/constant: tests/bench/constant.c $(BUILD)/libvpnunit.a
	@mkdir -p $(@D)
	$(call say,CC,$<) $(CC) $(CPPFLAGS) $(CFLAGS) $(WARN) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# `make run` and `make test` in a Debian that has only make; kept below build/, needs root.
test-fresh:
	@.ci/deps fresh
	@.ci/fresh $(BUILD)/fresh

# systemd and sysctl read $(PREFIX)/lib of /usr and of /usr/local alike.
ZSH_FOLDER := $(if $(filter /usr,$(PREFIX)),vendor-completions,site-functions)
UNITS := vpnunit.service vpnunit-deploy.service vpnunit-openvpn.service

install: $(BUILD)/vpnunit
	install -D -m 755 $(BUILD)/vpnunit $(DESTDIR)$(PREFIX)/bin/vpnunit
	install -D -m 644 src/vpnunit.8 $(DESTDIR)$(PREFIX)/share/man/man8/vpnunit.8
	install -d $(DESTDIR)$(PREFIX)/share/doc/vpnunit/examples
	cp -r compose.yaml hooks/*.example hooks/*/*.example $(DESTDIR)$(PREFIX)/share/doc/vpnunit/examples
	install -D -m 644 templates/completion.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/vpnunit
	install -D -m 644 templates/completion.zsh $(DESTDIR)$(PREFIX)/share/zsh/$(ZSH_FOLDER)/_vpnunit
	install -D -m 644 hooks/systemd/vpnunit.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/vpnunit.conf
	install -D -m 644 hooks/systemd/vpnunit.sysctl $(DESTDIR)$(PREFIX)/lib/sysctl.d/60-vpnunit.conf
	install -D -m 755 hooks/router/vpnunit-renew $(DESTDIR)$(PREFIX)/share/vpnunit/vpnunit-renew
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/vpnunit/monitoring hooks/monitoring/*
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	for unit in $(UNITS); do sed 's|/usr/local/bin/|$(PREFIX)/bin/|' hooks/systemd/$$unit \
	    > $(DESTDIR)$(PREFIX)/lib/systemd/system/$$unit || exit 1; done

# A Debian package, in $(BUILD)/deb.
deb:
	@.ci/deps run deb
	@$(MAKE) $(BUILD)/vpnunit
	@.ci/deb $(BUILD) $(shell sed -n 's/.*VERSION "\(.*\)"/\1/p' src/base/version.h)

# The downloaded source stays, so that the next build needs no network.
clean:
	rm -rf $(filter-out $(BUILD)/fresh,$(wildcard $(BUILD)/*))

-include $(OBJ:.o=.d) $(BUILD)/src/main.d $(UNIT:=.d) $(FUZZ:=.d)
.DELETE_ON_ERROR:
.PHONY: deps deps-test deps-qa deps-browser run test test-browser check-browser check-browser-failed test-long \
        check check-failed unit seeds fuzz fuzz-run asan tsan memcheck clang tidy fmt fmt-check qa bench test-fresh install deb clean
