# The everyday commands. Each works in a fresh clone, with no step before it, and twice in a row.
#
#   make                 builds build/verifyd (its packages must be there: make deps)
#   make run             installs what is missing, builds, starts the server for trying it out
#   make test            the same, then every test; LANES="gcc clang address thread fuzz", ONLY=name
#   make deps            only installs the Debian packages that are missing
#   make bench           figures
#   make fuzz            each fuzzer for SECONDS=60
#   make coverage        what the tests reach, and whether that is enough
#   make format          clang-format; make format-check only looks
#   make docs            makes the pages about the settings from the table of settings
#   make numbering-plan  makes src/plan/ from the public metadata
#   make install         to DESTDIR and PREFIX
#   make clean
#
# What needs more than a line is a file in scripts/. No path here is absolute: the tree may stand
# in a folder with a space in its name.

LANES = gcc
ONLY =
SECONDS = 60
PREFIX = /usr/local
DESTDIR =

build:
	@scripts/build build

run:
	@scripts/deps run
	@scripts/build build
	@exec build/verifyd serve --dev

test:
	@scripts/deps test
	@scripts/test --only '$(ONLY)' $(LANES)

deps:
	@scripts/deps run

bench:
	@scripts/deps bench
	@scripts/bench

fuzz:
	@scripts/deps fuzz
	@scripts/fuzz $(SECONDS)

coverage:
	@scripts/deps test coverage
	@scripts/coverage

format:
	@scripts/format

format-check:
	@scripts/format --check

docs: build
	@ninja -C build option-manual
	@scripts/docs build/option-manual

numbering-plan:
	@scripts/deps test
	@tools/numbering-plan/generate --newest

install: build
	@meson configure build -Dprefix='$(PREFIX)'
	@DESTDIR='$(DESTDIR)' meson install -C build

clean:
	@rm -rf build

.PHONY: build run test deps bench fuzz coverage format format-check docs \
	numbering-plan install clean
