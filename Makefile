# VPNUnit: `make run` tries it, `make test` tests it, `make qa` is everything.
#
#     BUILD=DIR    where to build (default build)
#     CC=clang     with another compiler

CC       ?= cc
BUILD    ?= build
CACHE    ?= build/.cache
PYTHON   := /usr/bin/python3
PKGS     := libgit2 sqlite3 openssl yajl
MAKEFLAGS += --no-print-directory

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
CIVETWEB_VERSION := 1.15+dfsg-4
CIVETWEB_FLAGS   := -DUSE_IPV6 -DUSE_X_DOM_SOCKET -DOPENSSL_API_3_0 -DNO_SSL_DL -DNO_CGI -DNO_POPEN \
                    -DNO_FILES -DNO_CACHING

SRC   := $(filter-out src/main.c,$(wildcard src/*/*.c))
EMBED := $(wildcard src/*/*.S)
OBJ   := $(SRC:%.c=$(BUILD)/%.o) $(EMBED:%.S=$(BUILD)/%.S.o) $(BUILD)/civetweb/civetweb.o
UNIT  := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_*.c))

$(BUILD)/vpnunit: $(BUILD)/src/main.o $(BUILD)/libvpnunit.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/libvpnunit.a: $(OBJ)
	rm -f $@ && ar rcs $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(WARN) -c -o $@ $<

# Assembler files embed files of the tree by .incbin, which the compiler's -MMD doesn't see.
$(BUILD)/%.S.o: %.S $(shell find templates hooks state -type f)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/civetweb/civetweb.h: .ci/civetweb
	.ci/civetweb $(CIVETWEB_VERSION) $(CACHE) $(@D)

$(BUILD)/civetweb/civetweb.o: $(BUILD)/civetweb/civetweb.h
	$(CC) $(CPPFLAGS) $(CFLAGS) $(CIVETWEB_FLAGS) -c -o $@ $(@D)/civetweb.c

$(filter $(BUILD)/src/http/%,$(OBJ)): | $(BUILD)/civetweb/civetweb.h

$(BUILD)/tests/unit/%: tests/unit/%.c $(BUILD)/libvpnunit.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(WARN) $(LDFLAGS) -o $@ $< $(BUILD)/libvpnunit.a $(LDLIBS) -lcmocka

unit: $(UNIT)
	@set -e; for t in $(UNIT); do echo "== $$t"; $$t; done

-include $(OBJ:.o=.d) $(BUILD)/src/main.d $(UNIT:=.d)
.PHONY: unit
