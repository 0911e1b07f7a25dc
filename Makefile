# A short front for Meson. `make help` lists what there is.
BUILD = build
prefix ?= /usr/local
DESTDIR ?=
FUZZ_SECONDS ?= 60

sanitizers = -Db_sanitize=address,undefined -Doptimization=2 -Ddebug=true -Db_lundef=false -Dtests=enabled

all: $(BUILD)/build.ninja ## builds build/adit and build/aditd
	ninja -C $(BUILD) adit aditd

$(BUILD)/build.ninja:
	scripts/deps build
	meson setup $(BUILD)

check: ## builds and runs every test, ends with the count
	scripts/deps check
	scripts/check

demo: ## shows two tunnels through a private aditd on this machine
	scripts/deps demo
	$(MAKE) all
	scripts/demo

demo-sshd: ## the same through OpenSSH's sshd
	scripts/deps demo-sshd
	$(MAKE) all
	scripts/demo --with-sshd

bench: ## measures adit and aditd beside ssh and sshd; QUICK=1 takes under 3 minutes
	scripts/deps bench
	$(MAKE) all
	ninja -C $(BUILD) aditd bench/load bench/many
	/usr/bin/python3 bench/run.py $(if $(QUICK),--quick)

lint: ## layout of the code, cppcheck, clang, layers
	scripts/deps lint
	$(MAKE) all
	scripts/lint $(BUILD)

asan: ## builds build/asan with AddressSanitizer and UndefinedBehaviorSanitizer
	scripts/deps check
	test -e $(BUILD)/asan/build.ninja || meson setup $(sanitizers) $(BUILD)/asan
	ninja -C $(BUILD)/asan

fuzz: ## runs each fuzz target for FUZZ_SECONDS seconds
	scripts/deps fuzz
	test -e $(BUILD)/fuzz/build.ninja || CC=clang meson setup $(sanitizers) -Dfuzz=true $(BUILD)/fuzz
	ninja -C $(BUILD)/fuzz
	scripts/fuzz $(BUILD)/fuzz $(FUZZ_SECONDS)

install: $(BUILD)/build.ninja ## installs programs and manual pages; prefix=/usr/local, DESTDIR=
	meson setup --reconfigure -Dprefix=$(abspath $(prefix)) $(BUILD)
	ninja -C $(BUILD) adit aditd
	DESTDIR=$(abspath $(DESTDIR)) meson install --no-rebuild -C $(BUILD)

clean: ## removes build/
	rm -rf $(BUILD)

help: ## prints this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' Makefile | expand -t 18

.PHONY: all check demo demo-sshd bench lint asan fuzz install clean help
