# VPNUnit
CC       ?= cc
BUILD    ?= build
CSTD     := -std=c11 -D_GNU_SOURCE
WARN     := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Werror
HARDEN   := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE -fcf-protection
PKGS     := libgit2 sqlite3 openssl yajl
CPPFLAGS += -Isrc -I$(BUILD)/civetweb $(shell pkg-config --cflags $(PKGS))
CFLAGS   += $(CSTD) $(WARN) $(HARDEN) -MMD -MP -pthread
LDFLAGS  += -pie -Wl,-z,relro,-z,now -pthread
LDLIBS   := $(shell pkg-config --libs $(PKGS)) -ldl

SRC  := $(filter-out src/main.c,$(wildcard src/*/*.c))
OBJ  := $(SRC:%.c=$(BUILD)/%.o)
UNIT := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_*.c))

$(BUILD)/vpnunit: $(BUILD)/src/main.o $(BUILD)/libvpnunit.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/libvpnunit.a: $(OBJ)
	rm -f $@ && ar rcs $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/tests/unit/%: tests/unit/%.c $(BUILD)/libvpnunit.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< $(BUILD)/libvpnunit.a $(LDLIBS) -lcmocka

unit: $(UNIT)
	@set -e; for t in $(UNIT); do $$t; done

-include $(OBJ:.o=.d)
.PHONY: unit
